package main

import (
	"context"
	"encoding/json"

	"github.com/spf13/cobra"

	"clipseek/orchestrator/httpapi"
	"clipseek/orchestrator/index"
)

func (p *program) collectionAliasCommand() *cobra.Command {
	cmd := group("alias", "List, set and drop further names of collections")
	cmd.Long = "An alias is good wherever a collection is named. Setting it to another collection lets a new one take the place of an old one at once."
	cmd.AddCommand(p.aliasListCommand(), p.aliasSetCommand(), p.aliasDropCommand())
	return cmd
}

// withAliases runs f on a database whose collections can have further names.
func (p *program) withAliases(ctx context.Context, f func(index.Aliaser) error) error {
	return p.withDatabase(ctx, func(db index.Database) error {
		aliaser, err := httpapi.Aliaser(db)
		if err != nil {
			return err
		}
		return f(aliaser)
	})
}

func (p *program) aliasListCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the aliases and what they stand for",
		Args:  args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.withAliases(cmd.Context(), func(aliaser index.Aliaser) error {
				all, err := httpapi.Aliases(cmd.Context(), aliaser)
				if err != nil {
					return err
				}
				if asJSON {
					return json.NewEncoder(p.out).Encode(all)
				}
				rows := []string{"ALIAS\tCOLLECTION"}
				for _, alias := range all {
					rows = append(rows, alias.Alias+"\t"+alias.Collection)
				}
				return p.table(rows...)
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print a JSON array")
	return cmd
}

func (p *program) aliasSetCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "set ALIAS NAME",
		Short: "Give an alias to the collection NAME, taking it from another if need be",
		Args:  args(cobra.ExactArgs(2)),
		RunE: func(cmd *cobra.Command, names []string) error {
			return p.withAliases(cmd.Context(), func(aliaser index.Aliaser) error {
				return aliaser.SetAlias(cmd.Context(), names[0], names[1])
			})
		},
	}
}

func (p *program) aliasDropCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "drop ALIAS",
		Short: "Remove an alias; the collection stays",
		Args:  args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, name []string) error {
			return p.withAliases(cmd.Context(), func(aliaser index.Aliaser) error { return aliaser.DropAlias(cmd.Context(), name[0]) })
		},
	}
}
