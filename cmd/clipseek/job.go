package main

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"clipseek/orchestrator/app"
	"clipseek/orchestrator/httpapi"
	"clipseek/orchestrator/jobs"
)

func (p *program) jobCommand() *cobra.Command {
	cmd := group("job", "Show and steer ingests, running and past")
	cmd.AddCommand(
		p.jobListCommand(), p.jobWatchCommand(), p.jobFailuresCommand(),
		p.jobVerb("show", "Describe a job", "", func(all *app.Jobs) jobVerb { return all.Get }),
		p.jobVerb("pause", "Have nobody work on a job", "", func(all *app.Jobs) jobVerb { return all.Pause }),
		p.jobVerb("resume", "Have a paused job go on", "It goes on in a running service, or with the ingest command that began it.", func(all *app.Jobs) jobVerb { return all.Resume }),
		p.jobVerb("cancel", "End a job", "What it has indexed stays.", func(all *app.Jobs) jobVerb { return all.Cancel }),
		p.jobVerb("retry", "Try the failed items of an ended job again", "It is done by a running service, or by the ingest command that began the job.", func(all *app.Jobs) jobVerb { return all.Retry }),
	)
	return cmd
}

type jobVerb = func(ctx context.Context, id string) (jobs.Job, error)

// withJobs opens the queue without working on it.
func (p *program) withJobs(ctx context.Context, do func(*app.Jobs) error) error {
	cfg, log, err := p.load()
	if err != nil {
		return err
	}
	all, err := app.OpenQueue(ctx, cfg, log)
	if err != nil {
		return err
	}
	return errors.Join(do(all), all.Close())
}

func (p *program) jobVerb(name, short, long string, verb func(*app.Jobs) jobVerb) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: name + " ID", Short: short, Long: strings.TrimSpace(short+".\n"+long) + exitCodesHelp, Args: args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, ids []string) error {
			return p.withJobs(cmd.Context(), func(all *app.Jobs) error {
				job, err := verb(all)(cmd.Context(), ids[0])
				if err != nil {
					return err
				}
				return p.printJob(job, asJSON)
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print a JSON object")
	return cmd
}

func (p *program) jobListCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "list", Short: "List jobs, newest first", Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.withJobs(cmd.Context(), func(all *app.Jobs) error {
				list, err := all.List(cmd.Context())
				if err != nil {
					return err
				}
				rows := []string{"ID\tSTATE\tFOUND\tINDEXED\tUNCHANGED\tFAILED\tCREATED\tCOLLECTION\tPATH"}
				for _, job := range list {
					if asJSON {
						if err := p.printJob(job, true); err != nil {
							return err
						}
						continue
					}
					n := job.Progress
					rows = append(rows, fmt.Sprintf("%s\t%s\t%d\t%d\t%d\t%d\t%s\t%s\t%s", job.ID, job.State, n.Found, n.Indexed, n.Unchanged, n.Failed,
						job.Created.Local().Format(time.DateTime), job.Collection, visible(job.Path())))
				}
				if asJSON {
					return nil
				}
				return p.table(rows...)
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print a JSON object for each job")
	return cmd
}

func (p *program) jobWatchCommand() *cobra.Command {
	return &cobra.Command{
		Use: "watch ID", Short: "Follow a job to its end", Args: args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, ids []string) error {
			return p.withJobs(cmd.Context(), func(all *app.Jobs) error {
				screen := p.newScreen()
				job, err := all.Get(cmd.Context(), ids[0])
				if err != nil {
					return err
				}
				for job = range all.Watch(cmd.Context(), ids[0], screen.every) {
					screen.progress(string(job.State) + ": " + progressLine(job))
				}
				if !job.State.Final() { // somebody pressed Ctrl-C, which ends the watching and nothing else
					return nil
				}
				screen.line(sentence(job.Progress, false))
				return outcome(job, nil, false)
			})
		},
	}
}

func (p *program) jobFailuresCommand() *cobra.Command {
	var asCSV bool
	cmd := &cobra.Command{
		Use: "failures ID", Short: "Print the ledger of a job: each failed item with its reason, a JSON object each", Args: args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, ids []string) error {
			return p.withJobs(cmd.Context(), func(all *app.Jobs) error { return p.printFailures(cmd.Context(), all, ids[0], asCSV) })
		},
	}
	cmd.Flags().BoolVar(&asCSV, "csv", false, "print CSV with a heading")
	return cmd
}

func (p *program) printFailures(ctx context.Context, all *app.Jobs, id string, asCSV bool) error {
	lines, table := json.NewEncoder(p.out), csv.NewWriter(p.out)
	write := func(f jobs.Failure) error { return lines.Encode(f) }
	if asCSV {
		write = func(f jobs.Failure) error { return table.Write([]string{f.Path, f.Kind, f.Reason}) }
		if err := table.Write([]string{"path", "kind", "reason"}); err != nil {
			return err
		}
	}
	for f, err := range all.Failures(ctx, id) {
		if err == nil {
			err = write(f)
		}
		if err != nil {
			return err
		}
	}
	table.Flush()
	return table.Error()
}

func (p *program) printJob(job jobs.Job, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(p.out).Encode(httpapi.NewJob(job))
	}
	rows := []string{
		"id\t" + job.ID, "state\t" + string(job.State), "collection\t" + job.Collection, "path\t" + visible(job.Path()),
		"created\t" + job.Created.Local().Format(time.DateTime), "progress\t" + progressLine(job),
	}
	if job.Partition != "" {
		rows = append(rows, "partition\t"+job.Partition)
	}
	if !job.Ended.IsZero() {
		rows = append(rows, "ended\t"+job.Ended.Local().Format(time.DateTime))
	}
	if job.Error != "" {
		rows = append(rows, "error\t"+visible(job.Error))
	}
	return p.table(rows...)
}
