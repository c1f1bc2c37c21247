package main

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"clipseek/triton_models/repository"
)

func (p *program) modelInstallCommand() *cobra.Command {
	var dir string
	var asJSON bool
	opts := repository.Default()
	cmd := &cobra.Command{
		Use:   "install --triton DIR [NAME|DIR]",
		Short: "Write a model as a repository for NVIDIA Triton",
		Long: `Write the models clip_image and clip_text (a model of pictures alone has the first) with a configuration for each way to run them, and tell how to start a Triton on
them. Nothing is written twice; a run that was cut short is finished by the next.` + exitCodesHelp,
		Example: `  clipseek model install --triton /srv/models
  clipseek model install --triton /srv/models ./ViT-L-14-336px --json`,
		Args: args(cobra.MaximumNArgs(1)),
		RunE: func(_ *cobra.Command, name []string) error {
			if dir == "" {
				return usageError{errors.New("install needs --triton DIR; see `clipseek model install --help`")}
			}
			m, err := p.findModel(name)
			if err != nil {
				return err
			}
			report, err := repository.Install(m, dir, opts)
			if err != nil {
				return err
			}
			if asJSON {
				return json.NewEncoder(p.out).Encode(report)
			}
			return p.printInstalled(report)
		},
	}
	cmd.Flags().StringVar(&dir, "triton", "", "`DIR` of the repository; made if it is not there")
	cmd.Flags().StringVar(&opts.EngineCache, "engine-cache", opts.EngineCache, "`DIR` on Triton's machine for engines that its TensorRT accelerator builds")
	cmd.Flags().BoolVar(&opts.Force, "force", false, "write into a folder that holds other things")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print a JSON object")
	return cmd
}

// printInstalled tells what was written and how to go on.
func (p *program) printInstalled(r repository.Report) error {
	var all []error
	say := func(format string, args ...any) {
		_, err := fmt.Fprintf(p.out, format+"\n", args...)
		all = append(all, err)
	}
	for _, file := range r.Files {
		state := "unchanged"
		if file.Changed {
			state = "wrote"
		}
		say("%-10s %s (%d bytes)", state, file.Path, file.Bytes)
	}
	say("\n%s holds %s for Triton. Copy it whole to the machine that runs Triton, put its path there into the command, and\nstart it in one of these ways (docs/triton.md compares them):", r.Directory, r.Model)
	for _, v := range r.Variants {
		title := v.Title
		if v.Default {
			title += " (the default)"
		}
		say("\n%s: %s", v.Name, title)
		for _, command := range v.Prepare {
			say("  once:       %s", command)
		}
		say("  container:  %s", v.Container)
		say("  process:    %s", v.Process)
	}
	return errors.Join(all...)
}
