package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/spf13/cobra"

	"clipseek/orchestrator/app"
	"clipseek/orchestrator/model/catalogue"
	"clipseek/orchestrator/model/pull"
)

func (p *program) modelPullCommand() *cobra.Command {
	var asJSON bool
	var request pull.Request
	cmd := &cobra.Command{
		Use:   "pull NAME",
		Short: "Fetch a model of the catalogue",
		Long: `Fetch a model that ` + "`clipseek model list`" + ` shows: its ONNX files where a public hub has them, else its weights, which are then exported
with Python. Every file is checked by its SHA-256 and the model is run before it gets its name; a pull that was cut short is
gone on with by the next. HTTPS_PROXY and NO_PROXY count; hub.mirrors names other places to fetch from.` + exitCodesHelp,
		Example: `  clipseek model pull ViT-L/14@336px
  clipseek model pull ViT-L/14@336px --from weights --precision fp16`,
		Args: args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, name []string) error {
			cfg, log, err := p.load()
			if err != nil {
				return err
			}
			report, err := p.pull(cmd.Context(), cfg, name[0], request, log)
			if err != nil {
				return err
			}
			if asJSON {
				return json.NewEncoder(p.out).Encode(report)
			}
			return p.printPulled(report)
		},
	}
	cmd.Flags().StringVar(&request.Kind, "from", "", "`KIND` of files: "+catalogue.ONNX+" or "+catalogue.Weights+" (default: the first that the catalogue has)")
	cmd.Flags().StringVar(&request.Precision, "precision", "", "`PRECISION` of an export: "+pull.FP32+", "+pull.FP16+" or "+pull.INT8)
	cmd.Flags().BoolVar(&request.Force, "force", false, "pull a model anew that is here already")
	cmd.Flags().BoolVar(&request.Unverified, "unverified", false, "take files that neither the catalogue nor the hub gives a SHA-256 for")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print a JSON object")
	p.configFlag(cmd, "hub.python", "python", "`PATH` of the Python that exports weights")
	cmd.Flags().BoolFunc("offline", "fetch nothing; finish what is here", func(value string) error {
		p.flags["hub.offline"] = value
		return nil
	})
	return cmd
}

// pull shows on standard error how far it is.
func (p *program) pull(ctx context.Context, cfg app.Config, name string, request pull.Request, log *slog.Logger) (report pull.Report, err error) {
	screen := p.newScreen()
	request.Watch = &pull.Watch{Note: screen.line}
	err = screen.during(func() (err error) {
		report, err = app.PullModel(ctx, cfg, name, request, log)
		return err
	}, func() string { return progressText(request.Watch.Now()) })
	screen.clear()
	return report, err
}

func progressText(now pull.Progress) string {
	text := now.Step
	if !now.Bytes {
		return text
	}
	text += ": " + pull.Size(now.Done)
	if now.Total > 0 {
		text += fmt.Sprintf(" of %s (%d %%)", pull.Size(now.Total), min(100, 100*now.Done/now.Total))
	}
	if now.Rate < 1 {
		return text
	}
	text += ", " + pull.Size(int64(now.Rate)) + "/s"
	if left := now.Total - now.Done; left > 0 {
		text += ", " + (time.Duration(float64(left)/now.Rate) * time.Second).String() + " left"
	}
	return text
}

func (p *program) printPulled(r pull.Report) error {
	if r.State == pull.Here {
		_, err := fmt.Fprintf(p.out, "%s is here already: %s; --force pulls it anew\n", r.Model, r.Directory)
		return err
	}
	var all []error
	for _, file := range r.Files {
		_, err := fmt.Fprintf(p.out, "%-12s %8s  %s (%s)\n", file.Name, pull.Size(file.Bytes), file.SHA256, vouched(file.VerifiedBy))
		all = append(all, err)
	}
	_, err := fmt.Fprintf(p.out, "pulled %s from %s, licence %s\nuse it with --model %s\n", r.Directory, r.From, r.Licence, r.Model)
	return errors.Join(append(all, err)...)
}

func vouched(by string) string {
	switch by {
	case pull.Catalogue:
		return "as the catalogue says"
	case pull.Hub:
		return "as the hub says"
	}
	return "unverified"
}
