package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/model"
	"clipseek/orchestrator/model/catalogue"
	"clipseek/orchestrator/model/pull"
)

// modelRow is what `model list --json` prints for each model that can be used.
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

// catalogueRow is what it prints for each model of the catalogue.
type catalogueRow struct {
	catalogue.Model
	Directory string `json:"directory"` // its name once it is installed
	Bytes     int64  `json:"installed_bytes,omitempty"`
	State     string `json:"state"`
}

// modelList is the whole of `model list --json`.
type modelList struct {
	Installed []modelRow     `json:"installed"`
	Catalogue []catalogueRow `json:"catalogue,omitempty"`
}

// The states of models of the catalogue.
const (
	stateInstalled = "installed"
	stateAvailable = "available" // `model pull` gets it
	stateListed    = "listed"    // the catalogue knows it, and why it cannot be pulled
)

func (p *program) modelListCommand() *cobra.Command {
	var asJSON, installed bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the models that can be used by name, and those that can be pulled",
		Long: `List the models that can be used by name, then the catalogue of those that ` + "`clipseek model pull`" + ` gets. Its columns: millions of
parameters, 10^9 operations for one picture, the share of English COCO captions (CN: of Chinese ones) that find their picture
first, languages, licence, and about how much disk it takes. "-" is not published. --json adds all other facts with their sources.` + exitCodesHelp,
		Args: args(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			cfg, _, err := p.load()
			if err != nil {
				return err
			}
			cards, broken := model.List(cfg.ModelsFolder())
			var known []catalogueRow
			if !installed {
				models, err := cfg.Catalogue()
				if err != nil {
					return err
				}
				known = catalogueRows(models, cfg.ModelsFolder())
			}
			if err := p.printModels(cards, known, asJSON); err != nil {
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
	cmd.Flags().BoolVar(&asJSON, "json", false, "print a JSON object")
	cmd.Flags().BoolVar(&installed, "installed", false, "only models that can be used now")
	return cmd
}

func catalogueRows(models []catalogue.Model, folder string) []catalogueRow {
	var rows []catalogueRow
	for _, m := range models {
		row := catalogueRow{Model: m, Directory: catalogue.Directory(m.Name), Bytes: m.InstalledBytes(), State: stateAvailable}
		if len(m.Origins) == 0 {
			row.State = stateListed
		}
		if _, err := os.Stat(filepath.Join(folder, row.Directory, model.CardFile)); err == nil {
			row.State = stateInstalled
		}
		rows = append(rows, row)
	}
	return rows
}

func (p *program) printModels(cards []model.Card, known []catalogueRow, asJSON bool) error {
	if asJSON {
		list := modelList{Installed: []modelRow{}, Catalogue: known}
		for _, c := range cards {
			list.Installed = append(list.Installed, modelRow{c.Name, c.Title, c.Width, c.Image.Size, c.HasText(), c.Text.Context,
				append([]string{}, c.Languages...), append([]string{}, c.Text.Prompts...), c.Licence})
		}
		return json.NewEncoder(p.out).Encode(list)
	}
	rows := []string{"NAME\tWIDTH\tPIXELS\tTOKENS\tLANGUAGES\tLICENCE\tTITLE"}
	for _, c := range cards {
		tokens := "none" // it takes no texts
		if c.HasText() {
			tokens = strconv.Itoa(c.Text.Context)
		}
		rows = append(rows, fmt.Sprintf("%s\t%d\t%d\t%s\t%s\t%s\t%s", c.Name, c.Width, c.Image.Size, tokens, languageList(c.Languages), c.Licence, c.Title))
	}
	if err := p.table(rows...); err != nil || len(known) == 0 {
		return err
	}
	rows = []string{"NAME\tWIDTH\tPIXELS\tPARAMS\tGFLOPS\tCOCO R@1\tLANGUAGES\tLICENCE\tSIZE\tSTATE"}
	for _, row := range known {
		rows = append(rows, fmt.Sprintf("%s\t%d\t%d\t%s\t%s\t%s\t%s\t%s\t%s\t%s", row.Name, row.Width, row.Pixels,
			published(cmp.Or(row.Parameters.Sum(), row.Parameters.Both), "%.0f M"), published(row.GFLOPs.Image, "%.0f"),
			foundFirst(row.Model), spoken(row.Model), row.Licence, installedSize(row), row.State))
	}
	if _, err := fmt.Fprintln(p.out); err != nil {
		return err
	}
	return p.table(rows...)
}

// published writes a number that may not be known.
func published(value float64, format string) string {
	if value == 0 {
		return "-"
	}
	return fmt.Sprintf(format, value)
}

// foundFirst is R@1 of pictures found by COCO's captions.
func foundFirst(m catalogue.Model) string {
	if r := m.Score("COCO", catalogue.TextToImage); r > 0 {
		return fmt.Sprintf("%.1f", r)
	}
	return published(m.Score("COCO-CN", catalogue.TextToImage), "%.1f CN")
}

// spoken is the languages that a model is published for.
func spoken(m catalogue.Model) string {
	if len(m.Languages) == 0 && m.Multilingual {
		return "many"
	}
	return languageList(m.Languages)
}

// languageList is what fits a column: the codes, or how many there are.
func languageList(codes []string) string {
	const most = 6
	if len(codes) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(codes[:most-1], " "), len(codes)-most+1)
	}
	return strings.Join(codes, " ")
}

func installedSize(row catalogueRow) string {
	if row.Bytes == 0 {
		return "-"
	}
	return pull.Size(row.Bytes)
}
