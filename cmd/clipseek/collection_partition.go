package main

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/index"
	"clipseek/orchestrator/search"
)

func (p *program) collectionPartitionCommand() *cobra.Command {
	cmd := group("partition", "List, make and drop the partitions of a collection")
	cmd.Long = "Partitions are parts of a collection that are filled, searched and dropped on their own: `ingest --partition`, `search --partition`."
	cmd.AddCommand(p.partitionListCommand(), p.partitionCreateCommand(), p.partitionDropCommand())
	return cmd
}

// withPartitions runs f on a collection that can have partitions.
func (p *program) withPartitions(ctx context.Context, collection string, f func(index.Partitioner) error) error {
	return p.withCollection(ctx, collection, func(photos index.Index) error {
		parts, err := search.Partitioner(photos)
		if err != nil {
			return fault.At(collection, err)
		}
		return f(parts)
	})
}

func (p *program) partitionListCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list NAME",
		Short: "List the partitions of a collection",
		Args:  args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, name []string) error {
			return p.withPartitions(cmd.Context(), name[0], func(parts index.Partitioner) error {
				all, err := parts.Partitions(cmd.Context())
				if err != nil {
					return err
				}
				if asJSON {
					return json.NewEncoder(p.out).Encode(append([]index.Partition{}, all...))
				}
				rows := []string{"NAME\tPICTURES"}
				for _, part := range all {
					rows = append(rows, fmt.Sprintf("%s\t%d", part.Name, part.Count))
				}
				return p.table(rows...)
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print a JSON array")
	return cmd
}

func (p *program) partitionCreateCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "create NAME PARTITION",
		Short: "Make a partition; it is no error if it is there",
		Args:  args(cobra.ExactArgs(2)),
		RunE: func(cmd *cobra.Command, names []string) error {
			return p.withPartitions(cmd.Context(), names[0], func(parts index.Partitioner) error {
				return parts.CreatePartition(cmd.Context(), names[1])
			})
		},
	}
}

func (p *program) partitionDropCommand() *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use:   "drop NAME PARTITION",
		Short: "Remove a partition and all that is known of its pictures (the pictures stay)",
		Args:  args(cobra.ExactArgs(2)),
		RunE: func(cmd *cobra.Command, names []string) error {
			if !yes {
				return fault.Invalid("dropping partition %s of %s cannot be undone; add --yes if you mean it", names[1], names[0])
			}
			return p.withPartitions(cmd.Context(), names[0], func(parts index.Partitioner) error {
				return parts.DropPartition(cmd.Context(), names[1])
			})
		},
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "really drop it")
	return cmd
}
