package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"runtime"
	"strings"
	"text/tabwriter"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"clipseek/orchestrator/app"
	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/model"
	"clipseek/orchestrator/tokenizer"
)

// tokenizeTimes is what `bench tokenize` found, for one core.
type tokenizeTimes struct {
	Model      string          `json:"model"`
	Kind       string          `json:"tokenizer"`
	Lines      int             `json:"lines"`
	Bytes      int             `json:"bytes"`
	Tokens     int             `json:"tokens"`
	LinesPerS  float64         `json:"lines_per_second"`
	TokensPerS float64         `json:"tokens_per_second"`
	NsPerToken float64         `json:"ns_per_token"`
	Stages     []tokenizeStage `json:"stages"`
}

// tokenizeStage is a part of the work.
type tokenizeStage struct {
	Name      string  `json:"name"`
	NsPerLine float64 `json:"ns_per_line"`
	Share     float64 `json:"share"` // of the whole
}

func (p *program) benchTokenizeCommand() *cobra.Command {
	var asJSON bool
	var seconds float64
	cmd := &cobra.Command{
		Use:   "tokenize [FILE]",
		Short: "Time the way from text to token ids, stage by stage",
		Long: `Turn the lines of FILE (- is standard input; without it, made-up captions) into token ids over and over, on one core and without the
model's limit of tokens, and print the best of all rounds. A stage's time is what it adds to those before it.` + exitCodesHelp,
		Args: args(cobra.MaximumNArgs(1)),
		RunE: func(_ *cobra.Command, files []string) error {
			each, err := measuringTime(seconds)
			if err != nil {
				return err
			}
			m, err := p.findModel(nil)
			if err != nil {
				return err
			}
			lines, err := p.benchLines(files)
			if err != nil {
				return err
			}
			times, err := timeTokenizer(m, lines, each)
			if err != nil {
				return err
			}
			if asJSON {
				return json.NewEncoder(p.out).Encode(times)
			}
			return times.print(p.out)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "one JSON object")
	cmd.Flags().Float64Var(&seconds, "seconds", 1, "how long each stage is repeated, in seconds")
	return cmd
}

// benchLines reads the lines of the file, if there is one, and makes some up otherwise.
func (p *program) benchLines(files []string) ([]string, error) {
	if len(files) == 0 {
		return captions(5000), nil
	}
	in := p.in
	if files[0] != "-" {
		file, err := os.Open(files[0])
		if err != nil {
			return nil, fault.NotFound("%s cannot be read", files[0]).Because(err)
		}
		defer func() { _ = file.Close() }() // read only: nothing is lost
		in = file
	}
	var lines []string
	reader := bufio.NewReaderSize(in, 1<<16)
	for {
		line, err := reader.ReadString('\n')
		if line = strings.TrimSuffix(line, "\n"); line != "" {
			if !utf8.ValidString(line) {
				return nil, fault.Invalid("line %d of the text is not UTF-8", len(lines)+1)
			}
			lines = append(lines, line)
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("read the lines: %w", err)
		}
	}
	if len(lines) == 0 {
		return nil, fault.Invalid("the text has no lines")
	}
	return lines, nil
}

// timeTokenizer measures each stage of the model's tokenizer for the given time.
func timeTokenizer(m *model.Model, lines []string, each time.Duration) (tokenizeTimes, error) {
	times := tokenizeTimes{Model: m.Card.Name, Kind: m.Card.Text.Tokenizer.Kind, Lines: len(lines)}
	m.Card.Text.Context = math.MaxInt32
	opened, err := app.OpenTokenizer(m)
	if err != nil {
		return times, err
	}
	staged, ok := opened.(tokenizer.Staged)
	if !ok {
		return times, fault.Internal("the tokenizer %s has no stages", times.Kind)
	}
	for _, line := range lines {
		tokens, err := staged.Encode(line)
		if err != nil {
			return times, err
		}
		times.Bytes += len(line)
		times.Tokens += len(tokens)
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	var before, whole time.Duration
	for _, stage := range staged.Stages() {
		whole = bestRound(stage, lines, each)
		ns := float64(max(whole-before, 0)) / float64(len(lines))
		times.Stages = append(times.Stages, tokenizeStage{Name: stage.Name, NsPerLine: ns})
		before = whole
	}
	for i := range times.Stages {
		times.Stages[i].Share = times.Stages[i].NsPerLine * float64(len(lines)) / float64(whole)
	}
	times.LinesPerS = float64(len(lines)) / whole.Seconds()
	times.TokensPerS = float64(times.Tokens) / whole.Seconds()
	times.NsPerToken = float64(whole) / float64(max(times.Tokens, 1))
	return times, nil
}

// bestRound runs a stage over all lines until the time is over, at least twice, and returns the shortest round.
func bestRound(stage tokenizer.Stage, lines []string, each time.Duration) time.Duration {
	best := time.Duration(math.MaxInt64)
	for begin, rounds := time.Now(), 0; rounds < 2 || time.Since(begin) < each; rounds++ {
		start := time.Now()
		for _, line := range lines {
			stage.Run(line)
		}
		best = min(best, max(time.Since(start), 1))
	}
	return best
}

func (t tokenizeTimes) print(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	_, err := fmt.Fprintf(out, "%s of %s: %d lines, %d bytes, %d tokens, one core\n\n", t.Kind, t.Model, t.Lines, t.Bytes, t.Tokens)
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintf(w, "stage\tns/line\tshare\t\n") // errors come out of Flush
	for _, stage := range t.Stages {
		_, _ = fmt.Fprintf(w, "%s\t%.0f\t%.0f %%\t\n", stage.Name, stage.NsPerLine, 100*stage.Share)
	}
	_, _ = fmt.Fprintf(w, "all\t%.0f\t\t\n", 1e9/t.LinesPerS)
	if err := w.Flush(); err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "\n%.0f lines/s, %.0f tokens/s, %.1f ns per token\n", t.LinesPerS, t.TokensPerS, t.NsPerToken)
	return err
}

// captions makes up n lines such as people search for, the same ones each time.
func captions(n int) []string {
	random := rand.New(rand.NewPCG(1, 9))
	pick := func(from []string) string { return from[random.IntN(len(from))] }
	things := []string{
		"a red apple", "two ripe bananas", "Granny Smith apples", "a bunch of grapes", "an old bicycle", "my sister's cat", "children playing football",
		"une pomme verte", "ein Korb voll Äpfel", "un perro pequeño", "яблоки на столе", "赤いりんご", "一只红苹果", "빨간 사과", "تفاح أحمر",
	}
	places := []string{
		"on a wooden table", "in the market", "beside a lake at sunset", "at 6:30 a.m.", "in São Paulo", "sur la table", "im Garten", "на рынке", "在桌子上", "テーブルの上",
	}
	styles := []string{"", "", "", "photo of ", "a close-up of ", "black &amp; white: ", "#3 – ", "\"Untitled\", "}
	lines := make([]string, n)
	for i := range lines {
		lines[i] = pick(styles) + pick(things) + " " + pick(places)
	}
	return lines
}
