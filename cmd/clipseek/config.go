package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"clipseek/orchestrator/config"
)

func (p *program) configCommand() *cobra.Command {
	cmd := group("config", "Check and print the configuration")
	cmd.AddCommand(
		&cobra.Command{
			Use:   "check",
			Short: "Report every fault of the configuration",
			Args:  args(cobra.NoArgs),
			RunE: func(*cobra.Command, []string) error {
				if _, _, err := p.load(); err != nil {
					return err
				}
				_, err := fmt.Fprintln(p.out, "the configuration is valid")
				return err
			},
		},
		&cobra.Command{
			Use:   "print",
			Short: "Print the whole configuration as it is in force, without secrets",
			Args:  args(cobra.NoArgs),
			RunE: func(*cobra.Command, []string) error {
				cfg, _, err := p.load()
				if err != nil {
					return err
				}
				text, err := config.Print(cfg)
				if err != nil {
					return err
				}
				_, err = fmt.Fprint(p.out, text)
				return err
			},
		},
	)
	return cmd
}
