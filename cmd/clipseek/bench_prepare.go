package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"clipseek/orchestrator/app"
	"clipseek/orchestrator/fault"
)

func (p *program) benchPrepareCommand() *cobra.Command {
	var asJSON bool
	var seconds float64
	cmd := &cobra.Command{
		Use:   "prepare [FILE...]",
		Short: "Time the preparation of pictures, stage by stage",
		Long: `Prepare each picture again and again, on one core and then on all, and print the milliseconds of its stages in the fastest
round and the pictures a second. Without FILE, photo-like JPEG files of three sizes are made up.` + exitCodesHelp,
		RunE: func(_ *cobra.Command, files []string) error {
			each, err := measuringTime(seconds)
			if err != nil {
				return err
			}
			_, _, m, err := p.openModel(nil)
			if err != nil {
				return err
			}
			if len(files) == 0 {
				dir, err := os.MkdirTemp("", "clipseek-bench")
				if err != nil {
					return err
				}
				defer func() { _ = os.RemoveAll(dir) }() // the system's temporary folder is cleared anyway
				if files, err = madeUpPhotos(dir); err != nil {
					return err
				}
			}
			rows, err := benchPrepare(m, files, each)
			if err != nil {
				return err
			}
			return p.printPrepareRows(rows, asJSON)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print a JSON array")
	cmd.Flags().Float64Var(&seconds, "seconds", 1, "how long each figure of a picture is measured")
	return cmd
}

// prepareRow is what `bench prepare --json` prints for each picture: milliseconds of the fastest round, and pictures a
// second on the whole.
type prepareRow struct {
	File      string  `json:"file"`
	Format    string  `json:"format"`
	Width     int     `json:"width"`
	Height    int     `json:"height"`
	Bytes     int     `json:"bytes"`
	Read      float64 `json:"read_ms"`
	Decode    float64 `json:"decode_ms"`
	Resize    float64 `json:"resize_ms"`
	Convert   float64 `json:"convert_ms"`
	Normalize float64 `json:"normalize_ms"`
	Total     float64 `json:"total_ms"`
	OneCore   float64 `json:"per_second_one_core"`
	AllCores  float64 `json:"per_second_all_cores"`
	Cores     int     `json:"cores"`
}

func benchPrepare(m *app.Model, files []string, each time.Duration) ([]prepareRow, error) {
	var rows []prepareRow
	for _, name := range files {
		row, err := fastestRound(m, name, each)
		if err != nil {
			return nil, err
		}
		row.Cores = runtime.GOMAXPROCS(0)
		if row.OneCore, err = preparedPerSecond(m, name, 1, each); err != nil {
			return nil, err
		}
		if row.AllCores, err = preparedPerSecond(m, name, row.Cores, each); err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// fastestRound prepares a file for some time and keeps the stages of the round that other work on the machine disturbed
// least.
func fastestRound(m *app.Model, name string, each time.Duration) (fastest prepareRow, err error) {
	memory := preparer{model: m, tensor: make([]float32, m.Spec.Len())}
	for begin := time.Now(); fastest.Total == 0 || time.Since(begin) < each; {
		row, err := timedRound(&memory, name)
		if err != nil {
			return row, fault.At(name, err)
		}
		if fastest.Total == 0 || row.Total < fastest.Total {
			fastest = row
		}
	}
	return fastest, nil
}

func timedRound(p *preparer, name string) (_ prepareRow, err error) {
	begin := time.Now()
	if p.content, err = readFile(p.model.Decoder, name, p.content); err != nil {
		return prepareRow{}, err
	}
	read := time.Since(begin)
	picture, err := p.model.Decoder.Decode(p.content)
	if err != nil {
		return prepareRow{}, err
	}
	defer picture.Release()
	times, err := picture.TimedTensor(p.model.Spec, p.tensor)
	info := picture.Info()
	return prepareRow{
		File: name, Format: info.Format, Width: info.Width, Height: info.Height, Bytes: len(p.content),
		Read: milliseconds(read), Decode: milliseconds(times.Decode), Resize: milliseconds(times.Resize),
		Convert: milliseconds(times.Convert), Normalize: milliseconds(times.Normalize), Total: milliseconds(time.Since(begin)),
	}, err
}

// preparedPerSecond prepares a file on some cores at once.
func preparedPerSecond(m *app.Model, name string, cores int, each time.Duration) (float64, error) {
	// While every processor of Go's scheduler is inside C, the scheduler takes them away and wakes threads to look for work
	// that is not there. Spare ones stop that. An ingest, which always has other work to hand out, gains nothing by them.
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2 * cores))
	var (
		wait  sync.WaitGroup
		count atomic.Int64
		errs  = make([]error, cores)
		begin = time.Now()
	)
	for core := range cores {
		wait.Go(func() {
			prepare := preparer{model: m, tensor: make([]float32, m.Spec.Len())}
			for first := true; errs[core] == nil && (first || time.Since(begin) < each); first = false {
				errs[core] = prepare.file(name)
				count.Add(1)
			}
		})
	}
	wait.Wait()
	return float64(count.Load()) / time.Since(begin).Seconds(), errors.Join(errs...)
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func (p *program) printPrepareRows(rows []prepareRow, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(p.out).Encode(rows)
	}
	table := tabwriter.NewWriter(p.out, 0, 0, 2, ' ', tabwriter.AlignRight)
	_, err := fmt.Fprintf(table, "PIXELS\tREAD ms\tDECODE\tRESIZE\tCONVERT\tNORMALIZE\tTOTAL\t1 CORE /s\t%d CORES /s\t FILE\n", runtime.GOMAXPROCS(0))
	for _, r := range rows {
		_, rowErr := fmt.Fprintf(table, "%dx%d\t%.2f\t%.2f\t%.2f\t%.2f\t%.2f\t%.2f\t%.1f\t%.1f\t %s\n", r.Width, r.Height,
			r.Read, r.Decode, r.Resize, r.Convert, r.Normalize, r.Total, r.OneCore, r.AllCores, filepath.Base(r.File))
		err = errors.Join(err, rowErr)
	}
	return errors.Join(err, table.Flush())
}

// madeUpPhotos writes photos of three sizes.
func madeUpPhotos(dir string) ([]string, error) {
	var files []string
	for _, size := range [...]image.Point{{X: 640, Y: 480}, {X: 1600, Y: 1200}, {X: 4000, Y: 3000}} {
		photo, err := madeUpPhoto(size)
		if err != nil {
			return nil, err
		}
		name := filepath.Join(dir, fmt.Sprintf("%dx%d.jpg", size.X, size.Y))
		if err := os.WriteFile(name, photo, 0o600); err != nil {
			return nil, err
		}
		files = append(files, name)
	}
	return files, nil
}
