package milvus

import (
	"context"

	"github.com/milvus-io/milvus-proto/go-api/v2/milvuspb"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/index"
)

// Aliases maps each alias to its collection. Milvus lists the names alone; each is looked up.
func (d *Database) Aliases(ctx context.Context) (aliases map[string]string, err error) {
	err = d.run(ctx, func() error {
		names, err := d.aliases(ctx)
		if err != nil {
			return err
		}
		aliases = make(map[string]string, len(names))
		for _, name := range names {
			found, err := d.client.DescribeCollection(ctx, name)
			if refusedWith(err, codeNoCollection) { // removed meanwhile
				continue
			}
			if err != nil {
				return err
			}
			aliases[name] = found.Name
		}
		return nil
	})
	return aliases, err
}

// aliases are the names. The request names the database itself: Milvus 2.3 does not take it from the call's metadata here.
func (d *Database) aliases(ctx context.Context) ([]string, error) {
	reply, err := d.client.Service.ListAliases(ctx, &milvuspb.ListAliasesRequest{DbName: d.cfg.Database})
	if refusedWith(err, codeNoDatabase) {
		return nil, nil
	}
	return reply.GetAliases(), err
}

// SetAlias gives the alias to the collection.
func (d *Database) SetAlias(ctx context.Context, alias, collection string) error {
	if index.CheckCollection(alias) != nil {
		return fault.Invalid("%.60q cannot be an alias; use letters, digits and _, not a digit first, at most 255", alias)
	}
	if err := index.CheckCollection(collection); err != nil {
		return err
	}
	return d.run(ctx, func() error {
		found, err := d.client.DescribeCollection(ctx, collection)
		if err != nil {
			return named(collection, err)
		}
		defer d.changes.Add(1)
		err = d.client.AlterAlias(ctx, found.Name, alias)
		if refusedWith(err, codeNoAlias) {
			err = d.client.CreateAlias(ctx, found.Name, alias)
		}
		if fault.KindOf(err) == fault.KindConflict {
			return fault.Conflict("%q is the name of a collection and cannot be an alias as well; choose another", alias).Because(err)
		}
		return err
	})
}

// DropAlias removes the alias; the collection stays.
func (d *Database) DropAlias(ctx context.Context, alias string) error {
	return d.run(ctx, func() error {
		found, err := d.client.DescribeCollection(ctx, alias)
		switch {
		case refusedWith(err, codeNoCollection), err == nil && found.Name == alias: // dropping what is not there is no error to Milvus
			return fault.NotFound("there is no alias %q", alias)
		case err != nil:
			return err
		}
		defer d.changes.Add(1)
		return d.client.DropAlias(ctx, alias)
	})
}
