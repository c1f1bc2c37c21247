package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"clipseek/orchestrator/app"
	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/index"
)

func (p *program) collectionCommand() *cobra.Command {
	cmd := group("collection", "Look after collections")
	cmd.AddCommand(
		p.collectionListCommand(), p.collectionShowCommand(), p.collectionDropCommand(),
		p.collectionBuildCommand(), p.collectionFlushCommand(), p.collectionDuplicatesCommand(),
		p.collectionPartitionCommand(), p.collectionAliasCommand(),
	)
	return cmd
}

// withDatabase runs f on the configured index, without a model.
func (p *program) withDatabase(ctx context.Context, f func(db index.Database) error) error {
	cfg, log, err := p.load()
	if err != nil {
		return err
	}
	db, err := app.OpenDatabase(ctx, cfg, log)
	if err != nil {
		return err
	}
	return errors.Join(f(db), db.Close())
}

// withCollection runs f on a collection that is there, whatever model made it.
func (p *program) withCollection(ctx context.Context, name string, f func(photos index.Index) error) error {
	return p.withDatabase(ctx, func(db index.Database) error {
		photos, err := db.Open(ctx, index.Spec{Collection: name})
		if err != nil {
			return err
		}
		return errors.Join(f(photos), photos.Close())
	})
}

func (p *program) collectionListCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the collections of the index",
		Args:  args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.withDatabase(cmd.Context(), func(db index.Database) error {
				infos, err := db.Collections(cmd.Context())
				if err != nil {
					return err
				}
				if asJSON {
					return json.NewEncoder(p.out).Encode(append([]index.Info{}, infos...))
				}
				rows := []string{"NAME\tPICTURES\tWIDTH\tMODEL"}
				for _, info := range infos {
					rows = append(rows, fmt.Sprintf("%s\t%d\t%d\t%s", info.Name, info.Count, info.Width, info.Model))
				}
				return p.table(rows...)
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print a JSON array")
	return cmd
}

func (p *program) collectionDropCommand() *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use:   "drop NAME",
		Short: "Remove a collection and all that is known of its pictures (the pictures stay)",
		Args:  args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, name []string) error {
			if !yes {
				return fault.Invalid("dropping %s cannot be undone; add --yes if you mean it", name[0])
			}
			return p.withDatabase(cmd.Context(), func(db index.Database) error { return db.Drop(cmd.Context(), name[0]) })
		},
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "really drop it")
	return cmd
}
