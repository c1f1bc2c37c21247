package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/mattn/go-isatty"
	"github.com/spf13/cobra"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/httpapi"
	"clipseek/orchestrator/index"
	"clipseek/orchestrator/removal"
)

// deleteFlags are those of `delete`.
type deleteFlags struct {
	filter, source, partition string
	yes, dryRun, asJSON       bool
}

func (p *program) deleteCommand() *cobra.Command {
	var flags deleteFlags
	cmd := &cobra.Command{
		Use:   "delete [ID...]",
		Short: "Remove pictures from a collection (the files stay)",
		Long: `Remove pictures from a collection, by id, by filter or by source. It shows how many they are and asks; where nobody can be
asked, it needs --yes. The files stay, and ingesting them again brings them back.

  clipseek delete 5269288717002027052
  clipseek delete --filter 'label == "apple" && width < 200'
  clipseek delete --source ~/Pictures/2019
  clipseek delete --source https://example.com/album/ --dry-run

What has gone from a source is found by ` + "`clipseek ingest --sync`" + `; a whole collection goes by ` + "`clipseek collection drop`" + `.`,
		RunE: func(cmd *cobra.Command, ids []string) error { return p.delete(cmd.Context(), ids, flags) },
	}
	p.configFlag(cmd, "collection", "collection", "`NAME` of the collection")
	set := cmd.Flags()
	set.StringVar(&flags.filter, "filter", "", "the pictures that `FILTER` matches; an empty one never means all")
	set.StringVar(&flags.source, "source", "", "the pictures of a folder, archive, list, table or pattern `PATH`, or below a URL")
	set.StringVar(&flags.partition, "partition", "", "only pictures of the partition `NAME`")
	set.BoolVar(&flags.yes, "yes", false, "do not ask")
	set.BoolVar(&flags.dryRun, "dry-run", false, "only show how many they are")
	set.BoolVar(&flags.asJSON, "json", false, "print a JSON object")
	return cmd
}

func (f deleteFlags) selection(ids []string) (removal.Selection, error) {
	s := removal.Selection{Filter: f.filter, Source: f.source}
	for _, text := range ids {
		id, err := strconv.ParseInt(text, 10, 64)
		if err != nil || id < 0 {
			return s, fault.Invalid("%q is not the id of a picture; `clipseek search --json` prints ids, and --source takes paths", text)
		}
		s.IDs = append(s.IDs, id)
	}
	if s.Source != "" && !strings.Contains(s.Source, "://") {
		absolute, err := filepath.Abs(s.Source)
		if err != nil {
			return s, fault.Invalid("%s is not a path", s.Source).Because(err)
		}
		s.Source = absolute
	}
	return s, s.Validate()
}

func (p *program) delete(ctx context.Context, ids []string, flags deleteFlags) error {
	selection, err := flags.selection(ids)
	if err != nil {
		return err
	}
	cfg, _, err := p.load()
	if err != nil {
		return err
	}
	return p.withCollection(ctx, cfg.Collection, func(photos index.Index) error {
		screen := p.newScreen()
		n, err := removal.Count(ctx, photos, flags.partition, selection)
		if err != nil {
			return err
		}
		done := httpapi.Deletion{Count: n, DryRun: flags.dryRun, Complete: true}
		if n > 0 && !flags.dryRun {
			if err := p.agreed(screen, fmt.Sprintf("%s would go from %s, and that cannot be undone", pictures(n), cfg.Collection), "yes", flags.yes); err != nil {
				return err
			}
			if done.Count, err = p.deleteNow(ctx, screen, photos, flags.partition, selection); err != nil {
				screen.line(fmt.Sprintf("%s are gone; the same command goes on", pictures(done.Count)))
				return err
			}
		}
		switch {
		case flags.asJSON:
			return json.NewEncoder(p.out).Encode(done)
		case flags.dryRun:
			_, err = fmt.Fprintf(p.out, "%s would go from %s\n", pictures(n), cfg.Collection)
		default:
			_, err = fmt.Fprintf(p.out, "%s removed from %s\n", pictures(done.Count), cfg.Collection)
		}
		return err
	})
}

func (p *program) deleteNow(ctx context.Context, screen *screen, photos index.Index, partition string, selection removal.Selection) (n int64, err error) {
	var gone atomic.Int64
	err = screen.during(func() (err error) {
		n, err = removal.Delete(ctx, photos, partition, selection, gone.Store)
		return err
	}, func() string { return fmt.Sprintf("%d removed", gone.Load()) })
	screen.clear()
	return n, err
}

func pictures(n int64) string {
	if n == 1 {
		return "1 picture"
	}
	return fmt.Sprintf("%d pictures", n)
}

// agreed asks on a terminal and takes one answer for agreement. It is nil where somebody has agreed or yes is set.
// Fault: Invalid where nobody can be asked, Conflict where the answer is another.
func (p *program) agreed(screen *screen, what, answer string, yes bool) error {
	if yes {
		return nil
	}
	if !p.canAsk() {
		return fault.Invalid("%s; add --yes if you mean it", what)
	}
	return p.ask(screen, what, answer)
}

// canAsk reports whether somebody sits at the standard input.
func (p *program) canAsk() bool {
	file, ok := p.in.(*os.File)
	return ok && isatty.IsTerminal(file.Fd())
}

func (p *program) ask(screen *screen, what, answer string) error {
	screen.clear()
	if _, err := fmt.Fprintf(p.err, "%s. Type %s to go on: ", what, answer); err != nil {
		return err
	}
	line, err := bufio.NewReader(p.in).ReadString('\n') // the end of input is no answer
	if strings.TrimSpace(line) == answer {
		return nil
	}
	return fault.Conflict("nothing was removed").Because(err)
}
