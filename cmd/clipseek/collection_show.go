package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"clipseek/orchestrator/httpapi"
	"clipseek/orchestrator/index"
)

func (p *program) collectionShowCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "show NAME",
		Short: "Tell about a collection: its pictures and model, how far its search structure is, partitions and aliases",
		Args:  args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, name []string) error {
			return p.withDatabase(cmd.Context(), func(db index.Database) error {
				details, err := httpapi.Describe(cmd.Context(), db, name[0])
				if err != nil {
					return err
				}
				if asJSON {
					return json.NewEncoder(p.out).Encode(details)
				}
				return p.table(detailRows(details)...)
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print a JSON object")
	return cmd
}

func detailRows(d httpapi.Details) []string {
	rows := []string{
		"name\t" + d.Name,
		fmt.Sprintf("pictures\t%d", d.Count),
		fmt.Sprintf("width\t%d", d.Width),
		"model\t" + d.Model,
	}
	if d.StoredBytes > 0 {
		rows = append(rows, fmt.Sprintf("stored\t%.1f MB", float64(d.StoredBytes)/1e6))
	}
	if d.Index != nil {
		b := index.Building(*d.Index)
		rows = append(rows, "index\t"+covering(b))
		if b.Type != "" {
			rows = append(rows, "\t"+structure(b))
		}
	}
	if len(d.Partitions) > 0 {
		var parts []string
		for _, part := range d.Partitions {
			parts = append(parts, fmt.Sprintf("%s (%d)", part.Name, part.Count))
		}
		rows = append(rows, "partitions\t"+strings.Join(parts, ", "))
	}
	if len(d.Aliases) > 0 {
		rows = append(rows, "aliases\t"+strings.Join(d.Aliases, ", "))
	}
	return rows
}

// structure says what a search structure is: "IVF_FLAT, IP, nlist=1024".
func structure(b index.Building) string {
	words := []string{b.Type, b.Metric}
	for _, name := range slices.Sorted(maps.Keys(b.Params)) {
		words = append(words, name+"="+b.Params[name])
	}
	return strings.Join(words, ", ")
}

// covering says how far it is.
func covering(b index.Building) string {
	switch b.State {
	case index.BuildNone:
		return "none is there and none is being built"
	case index.BuildFailed:
		return "cannot be built: " + b.Reason
	case index.BuildRunning:
		return fmt.Sprintf("building, %d of %d pictures covered", b.Covered, b.Total)
	default:
		return fmt.Sprintf("done, %d pictures covered", b.Covered)
	}
}
