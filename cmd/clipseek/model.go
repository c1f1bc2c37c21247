package main

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/spf13/cobra"

	"clipseek/orchestrator/app"
)

func (p *program) modelCommand() *cobra.Command {
	cmd := group("model", "List, pull, verify, install, load and unload models")
	cmd.AddCommand(p.modelListCommand(), p.modelPullCommand(), p.modelVerifyCommand(), p.modelInstallCommand(),
		p.modelServersCommand("load", "Have the configured Triton servers load the model, or load it again as it is in their repository now", "loaded", app.LoadModel),
		p.modelServersCommand("unload", "Have the configured Triton servers end the use of the model", "unloaded", app.UnloadModel))
	return cmd
}

// modelServersCommand tells the encoder's servers to do something with the model.
func (p *program) modelServersCommand(word, short, done string, do func(context.Context, app.Config, *app.Model, *slog.Logger) error) *cobra.Command {
	return &cobra.Command{
		Use:   word + " [NAME|DIR]",
		Short: short,
		Long:  short + ". They must run with --model-control-mode=explicit." + exitCodesHelp,
		Args:  args(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, name []string) error {
			cfg, log, m, err := p.openModel(name)
			if err != nil {
				return err
			}
			if err := do(cmd.Context(), cfg, m, log); err != nil {
				return err
			}
			_, err = fmt.Fprintf(p.out, "%s %s\n", done, m.Card.Name)
			return err
		},
	}
}
