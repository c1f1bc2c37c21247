package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"clipseek/orchestrator/app"
	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/model"
)

func (p *program) modelCommand() *cobra.Command {
	cmd := group("model", "List, verify, install, load and unload models")
	cmd.AddCommand(p.modelListCommand(), p.modelVerifyCommand(), p.modelInstallCommand(),
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

// modelRow is what `model list --json` prints for each model.
type modelRow struct {
	Name      string   `json:"name"`
	Title     string   `json:"title"`
	Width     int      `json:"width"`
	Size      int      `json:"image_size"`
	Text      bool     `json:"text"`    // it has a text tower
	Context   int      `json:"context"` // tokens; 0 without a text tower
	Languages []string `json:"languages"`
	Prompts   []string `json:"prompts"` // templates for short texts
	Licence   string   `json:"licence"`
}

func (p *program) modelListCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the models that can be used by name",
		Args:  args(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			cfg, _, err := p.load()
			if err != nil {
				return err
			}
			cards, broken := model.List(cfg.ModelsFolder())
			if err := p.printModels(cards, asJSON); err != nil {
				return err
			}
			for _, err := range broken {
				if _, err := fmt.Fprintln(p.err, "failed: "+fault.Public(err)); err != nil {
					return err
				}
			}
			if len(broken) > 0 {
				return errSomeFailed
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print a JSON array")
	return cmd
}

func (p *program) printModels(cards []model.Card, asJSON bool) error {
	if asJSON {
		rows := []modelRow{}
		for _, c := range cards {
			rows = append(rows, modelRow{c.Name, c.Title, c.Width, c.Image.Size, c.HasText(), c.Text.Context, append([]string{}, c.Languages...), append([]string{}, c.Text.Prompts...), c.Licence})
		}
		return json.NewEncoder(p.out).Encode(rows)
	}
	rows := []string{"NAME\tWIDTH\tPIXELS\tTOKENS\tLANGUAGES\tLICENCE\tTITLE"}
	for _, c := range cards {
		tokens := "none" // it takes no texts
		if c.HasText() {
			tokens = strconv.Itoa(c.Text.Context)
		}
		rows = append(rows, fmt.Sprintf("%s\t%d\t%d\t%s\t%s\t%s\t%s", c.Name, c.Width, c.Image.Size, tokens, languageList(c.Languages), c.Licence, c.Title))
	}
	return p.table(rows...)
}

// languageList is what fits a column: the codes, or how many there are.
func languageList(codes []string) string {
	const most = 6
	if len(codes) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(codes[:most-1], " "), len(codes)-most+1)
	}
	return strings.Join(codes, " ")
}
