package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strconv"
	"strings"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run is the program: 0 is success, 1 is work that was not finished, 2 is a wrong command line.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, err := parse(args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		_, _ = fmt.Fprintf(stderr, "render: %v\n", err)
		return 2
	}
	if err := o.fill(ctx); err != nil {
		_, _ = fmt.Fprintf(stderr, "render: %v\n", err)
		return 1
	}
	_, _ = fmt.Fprintf(stdout, "%d pictures and captions.jsonl in %s\n", len(o.crops)*o.count, o.out)
	return 0
}

// parse reads the command line. Its errors name the flag and what it takes.
func parse(args []string, stderr io.Writer) (order, error) {
	flags := flag.NewFlagSet("render", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	var o order
	flags.Uint64Var(&o.seed, "seed", 1, "number that the pictures grow from")
	flags.IntVar(&o.count, "count", 24, "pictures of each fruit")
	flags.StringVar(&o.out, "out", "", "folder to write to (required)")
	only := flags.String("only", "", "fruits to draw, such as apple,banana (default all)")
	size := flags.String("size", "448x336", "long and short edge in pixels; portraits swap them")
	flags.IntVar(&o.quality, "quality", 80, "JPEG quality, 1 to 100")
	flags.IntVar(&o.samples, "samples", 6, "rays a pixel")
	flags.IntVar(&o.workers, "workers", runtime.GOMAXPROCS(0), "pictures drawn at the same time")
	fast := flags.Bool("fast", false, "training pictures: 320x240 with 3 rays a pixel where -size or -samples do not say otherwise")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			flags.SetOutput(stderr)
			flags.Usage()
		}
		return o, err
	}
	given := map[string]bool{}
	flags.Visit(func(f *flag.Flag) { given[f.Name] = true })
	if *fast && !given["size"] {
		*size = "320x240"
	}
	if *fast && !given["samples"] {
		o.samples = 3
	}
	var err error
	if o.long, o.short, err = parseSize(*size); err != nil {
		return o, err
	}
	if o.crops, err = choose(*only); err != nil {
		return o, err
	}
	return o, o.check(flags.Args())
}

// check refuses what cannot be drawn.
func (o order) check(rest []string) error {
	switch {
	case len(rest) > 0:
		return fmt.Errorf("unexpected argument %q: everything is given by flags, see -help", rest[0])
	case o.out == "":
		return errors.New("-out is missing: name the folder to write to, such as -out triton_models/samples")
	case o.count < 1 || o.count > 100000:
		return fmt.Errorf("-count %d: give a number from 1 to 100000", o.count)
	case o.quality < 1 || o.quality > 100:
		return fmt.Errorf("-quality %d: give a number from 1 to 100", o.quality)
	case o.samples < 1 || o.samples > 1024:
		return fmt.Errorf("-samples %d: give a number from 1 to 1024", o.samples)
	case o.workers < 1 || o.workers > 256:
		return fmt.Errorf("-workers %d: give a number from 1 to 256", o.workers)
	}
	return nil
}

// parseSize reads WIDTHxHEIGHT and gives the longer edge first.
func parseSize(text string) (long, short int, err error) {
	a, b, _ := strings.Cut(text, "x")
	w, errW := strconv.Atoi(a)
	h, errH := strconv.Atoi(b)
	if errW != nil || errH != nil || min(w, h) < 16 || max(w, h) > 4096 {
		return 0, 0, fmt.Errorf("-size %q: give two edges from 16 to 4096 pixels, such as 448x336", text)
	}
	return max(w, h), min(w, h), nil
}

// choose gives the crops that are named, separated by commas, or all of them.
func choose(names string) ([]crop, error) {
	all := crops()
	if names == "" {
		return all, nil
	}
	known := make([]string, 0, len(all))
	for _, c := range all {
		known = append(known, c.name)
	}
	var out []crop
	for name := range strings.SplitSeq(names, ",") {
		i := slices.Index(known, strings.TrimSpace(name))
		if i < 0 {
			return nil, fmt.Errorf("-only %q: no such fruit; there are %s", name, strings.Join(known, ", "))
		}
		if !slices.ContainsFunc(out, func(c crop) bool { return c.name == known[i] }) {
			out = append(out, all[i])
		}
	}
	return out, nil
}
