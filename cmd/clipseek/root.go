package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"clipseek/orchestrator/app"
	"clipseek/orchestrator/config"
	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/model"
	"clipseek/orchestrator/telemetry"
)

// The exit codes, as the help tells them.
const (
	exitDone       = 0
	exitFailed     = 1
	exitUsage      = 2
	exitSomeFailed = 3
)

const exitCodesHelp = `
Exit codes: 0 done, 1 failed, 2 wrong usage or configuration, 3 done but some items failed.`

// errSomeFailed ends a command that did its work but not for every item; the items have been told.
var errSomeFailed = errors.New("some items failed")

// usageError is a command line that cannot be understood.
type usageError struct{ error }

func (u usageError) Unwrap() error { return u.error }

// program is one run of the command line: its streams and the flags that every command has.
type program struct {
	in       io.Reader
	out, err io.Writer

	configFile string
	flags      map[string]any // configuration keys that flags set
}

// run executes the command line and returns its exit code.
func run(ctx context.Context, args []string, in io.Reader, out, errOut io.Writer) int {
	p := &program{in: in, out: out, err: errOut, flags: map[string]any{}}
	root := p.root()
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(errOut)
	return p.exitCode(root.ExecuteContext(ctx))
}

func (p *program) root() *cobra.Command {
	root := &cobra.Command{
		Use:           "clipseek",
		Short:         "Find pictures by what they show",
		Long:          "clipseek finds pictures by what they show: text or a picture in, the nearest pictures out." + exitCodesHelp,
		SilenceErrors: true,
		SilenceUsage:  true,
		Version:       app.Version(),
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usageError{fmt.Errorf("there is no command %q%s", args[0], didYouMean(cmd, args[0]))}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SuggestionsMinimumDistance = 2
	root.CompletionOptions.HiddenDefaultCmd = true
	flags := root.PersistentFlags()
	flags.StringVar(&p.configFile, "config", "", "YAML configuration `FILE`")
	p.configFlag(root, "data", "data", "`DIR` of index, models and thumbnails (default: the user's data folder)")
	p.configFlag(root, "model", "model", "`NAME|DIR` of the model (default: the built-in demo model)")
	p.configFlag(root, "log.level", "log-level", "`LEVEL`: debug, info, warn or error")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usageError{fmt.Errorf("%w; see `%s --help`", err, cmd.CommandPath())}
	})
	root.AddCommand(
		p.serveCommand(), p.ingestCommand(), p.jobCommand(), p.searchCommand(), p.deleteCommand(), p.uploadsCommand(),
		p.tokenizeCommand(), p.prepareCommand(), p.encodeCommand(),
		p.modelCommand(), p.collectionCommand(), p.configCommand(), p.benchCommand(),
	)
	return root
}

func didYouMean(cmd *cobra.Command, word string) string {
	if near := cmd.SuggestionsFor(word); len(near) > 0 {
		return "; did you mean " + strings.Join(near, " or ") + "?"
	}
	return "; see `clipseek --help`"
}

// configFlag adds a flag that sets a configuration key.
func (p *program) configFlag(cmd *cobra.Command, key, flag, usage string) {
	cmd.PersistentFlags().Func(flag, usage, func(value string) error {
		p.flags[key] = value
		return nil
	})
}

// load gives the configuration and a logger for it.
func (p *program) load() (app.Config, *slog.Logger, error) {
	cfg, err := config.Load(app.Default(), config.Sources{File: p.configFile, Environ: os.Environ(), Flags: p.flags})
	if err != nil {
		return cfg, nil, usageError{err}
	}
	return cfg, telemetry.New(cfg.Log, p.err), nil
}

// openModel gives the configuration, a logger for it, and the configured model; a command may name another one.
func (p *program) openModel(name []string) (app.Config, *slog.Logger, *app.Model, error) {
	if len(name) == 1 {
		p.flags["model"] = name[0]
	}
	cfg, log, err := p.load()
	if err != nil {
		return cfg, nil, nil, err
	}
	m, err := app.OpenModel(cfg)
	return cfg, log, m, err
}

// findModel is openModel for commands that take nothing of a model but its files.
func (p *program) findModel(name []string) (*model.Model, error) {
	if len(name) == 1 {
		p.flags["model"] = name[0]
	}
	cfg, _, err := p.load()
	if err != nil {
		return nil, err
	}
	return app.FindModel(cfg)
}

// group is a command that only holds others.
func group(name, short string) *cobra.Command {
	return &cobra.Command{Use: name, Short: short, Args: args(cobra.NoArgs), RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() }}
}

// table prints rows of cells that a tab separates, in columns.
func (p *program) table(rows ...string) error {
	table := tabwriter.NewWriter(p.out, 0, 0, 2, ' ', 0)
	_, err := fmt.Fprintln(table, strings.Join(rows, "\n"))
	return errors.Join(err, table.Flush())
}

// exitCode tells the error, if there is one, and gives the code for it.
func (p *program) exitCode(err error) int {
	switch {
	case err == nil:
		return exitDone
	case errors.Is(err, errSomeFailed):
		return exitSomeFailed
	}
	var usage usageError
	isUsage := errors.As(err, &usage)
	message := fault.Public(err)
	if isUsage && fault.KindOf(err) == fault.KindInternal { // cobra's own words
		message = usage.Error()
	} else if fault.KindOf(err) == fault.KindInternal {
		message = "internal error: " + err.Error() + "\nThis is a mistake in clipseek; please report it with the command that shows it."
	}
	_, _ = fmt.Fprintln(p.err, "clipseek: "+message)
	if isUsage || fault.KindOf(err) == fault.KindInvalid {
		return exitUsage
	}
	return exitFailed
}

// args checks the number of arguments, as a usage error.
func args(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, given []string) error {
		if err := check(cmd, given); err != nil {
			return usageError{fmt.Errorf("%w; see `%s --help`", err, cmd.CommandPath())}
		}
		return nil
	}
}
