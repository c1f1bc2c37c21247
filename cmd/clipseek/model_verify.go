package main

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"clipseek/orchestrator/app"
	"clipseek/orchestrator/encoder"
)

// modelVerdict is what `model verify --json` prints.
type modelVerdict struct {
	Model     string          `json:"model"`
	Directory string          `json:"directory"`
	Files     int             `json:"files"`     // whose SHA-256 is the card's
	Reference bool            `json:"reference"` // there are reference values
	OK        bool            `json:"ok"`
	Steps     []encoder.Check `json:"steps"`
}

func (p *program) modelVerifyCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "verify [NAME|DIR]",
		Short: "Prove a model on its reference values",
		Long: `Compare every file with its SHA-256, then run the model's reference texts and pictures and compare tokens, pixels and embeddings,
each step on its own. A model without reference values is run on made-up input instead. Exit code 1: a step has drifted.` + exitCodesHelp,
		Args: args(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, name []string) error {
			cfg, log, m, err := p.openModel(name)
			if err != nil {
				return err
			}
			checks, err := app.Examine(cmd.Context(), cfg, m, log)
			if err != nil {
				return err
			}
			drift := encoder.Verdict(m.Model, checks)
			v := modelVerdict{Model: m.Card.Name, Directory: m.Where(), Files: len(m.Card.Files), Reference: m.Card.Golden != "", OK: drift == nil, Steps: checks}
			if asJSON {
				err = json.NewEncoder(p.out).Encode(v)
			} else {
				err = p.printVerdict(v)
			}
			return errors.Join(drift, err)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print a JSON object")
	return cmd
}

func (p *program) printVerdict(v modelVerdict) error {
	rows := []string{fmt.Sprintf("files\tok\t%d with the card's SHA-256", v.Files)}
	for _, c := range v.Steps {
		rows = append(rows, fmt.Sprintf("%s\t%s\t%s", c.Step, c.Outcome, v.describe(c)))
	}
	err := p.table(rows...)
	switch {
	case !v.OK:
		return err
	case !v.Reference:
		_, e := fmt.Fprintf(p.out, "%s (%s) runs; its card names no reference values (golden), so nothing says that it is what it should be\n", v.Model, v.Directory)
		return errors.Join(err, e)
	}
	_, e := fmt.Fprintf(p.out, "%s (%s) is what its card says\n", v.Model, v.Directory)
	return errors.Join(err, e)
}

// describe says in words what a step came to.
func (v modelVerdict) describe(c encoder.Check) string {
	switch c.Outcome {
	case encoder.Drifted:
		return c.Detail
	case encoder.Absent:
		return "the model has no text tower"
	case encoder.Ran:
		return "made-up input gives what it should in shape"
	case encoder.Skipped:
		if v.Reference {
			return "its input has drifted"
		}
		return "there is no picture to prepare"
	}
	if c.Cosine != 0 {
		return fmt.Sprintf("%d agree, least cosine %.5f (%q)", c.Items, c.Cosine, c.Item)
	}
	return fmt.Sprintf("%d agree", c.Items)
}
