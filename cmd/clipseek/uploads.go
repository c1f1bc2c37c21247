package main

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"clipseek/orchestrator/app"
)

func (p *program) uploadsCommand() *cobra.Command {
	cmd := group("uploads", "Look after what people uploaded")
	cmd.AddCommand(p.uploadsCleanCommand())
	return cmd
}

func (p *program) uploadsCleanCommand() *cobra.Command {
	var yes, dryRun, asJSON bool
	cmd := &cobra.Command{
		Use:   "clean",
		Short: "Remove uploaded files that no collection shows",
		Long: `Remove uploaded files that no picture of any collection shows, for example after ` + "`clipseek delete`" + `. Files of uploads whose
job is still remembered stay, and so do those of the last day.

It asks the configured index. If you use another one with the same uploads, its pictures are lost: do not clean then.`,
		Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, log, err := p.load()
			if err != nil {
				return err
			}
			done, err := app.CleanUploads(cmd.Context(), cfg, log, true)
			if err != nil {
				return err
			}
			if done.Files > 0 && !dryRun {
				what := fmt.Sprintf("%d uploaded files (%d bytes) that no picture of the index shows would go, and that cannot be undone", done.Files, done.Bytes)
				if err := p.agreed(p.newScreen(), what, "yes", yes); err != nil {
					return err
				}
				if done, err = app.CleanUploads(cmd.Context(), cfg, log, false); err != nil {
					return err
				}
			}
			verb := "removed"
			if dryRun {
				verb = "would go"
			}
			if asJSON {
				return json.NewEncoder(p.out).Encode(done)
			}
			_, err = fmt.Fprintf(p.out, "%d uploaded files (%d bytes) %s\n", done.Files, done.Bytes, verb)
			return err
		},
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "only show how many they are")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print a JSON object")
	return cmd
}
