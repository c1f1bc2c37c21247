package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"clipseek/orchestrator/app"
	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/tokenizer"
)

func (p *program) tokenizeCommand() *cobra.Command {
	var asJSON, truncate, special bool
	cmd := &cobra.Command{
		Use:   "tokenize",
		Short: "Turn lines of text into token ids",
		Long: `Read lines from standard input and print the token ids of each, start and end token included: separated by blanks, or with
--json as an array. A line that cannot be tokenized is told on standard error and answered by an empty line (null with --json).` + exitCodesHelp,
		Args: args(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			m, err := p.findModel(nil)
			if err != nil {
				return err
			}
			var opts []tokenizer.Option
			if special {
				opts = append(opts, tokenizer.AllowSpecial())
			}
			tok, err := app.OpenTokenizer(m, opts...)
			if err != nil {
				return err
			}
			encode := tok.Encode
			if truncate {
				encode = tok.EncodeTruncated
			}
			return p.tokenize(encode, asJSON)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "one JSON array a line")
	cmd.Flags().BoolVar(&special, "special", false, "names of control tokens, as <|endoftext|>, are those tokens and not text")
	cmd.Flags().BoolVar(&truncate, "truncate", false, "cut lines that are too long for the model instead of failing them")
	return cmd
}

func (p *program) tokenize(encode func(string) (tokenizer.Tokens, error), asJSON bool) (err error) {
	in := bufio.NewReaderSize(p.in, 1<<16)
	out := bufio.NewWriter(p.out)
	defer func() { err = errors.Join(err, out.Flush()) }()
	failed := false
	for n := 1; ; n++ {
		line, readErr := in.ReadString('\n')
		if readErr != nil && !errors.Is(readErr, io.EOF) {
			return fmt.Errorf("read standard input: %w", readErr)
		}
		if readErr != nil && line == "" {
			break
		}
		tokens, err := encode(strings.TrimSuffix(line, "\n"))
		if err != nil {
			failed = true
			if _, err := fmt.Fprintf(p.err, "line %d: %s\n", n, fault.Public(err)); err != nil {
				return err
			}
		}
		if err := writeTokens(out, tokens, asJSON); err != nil {
			return err
		}
	}
	if failed {
		return errSomeFailed
	}
	return nil
}

// writeTokens writes one line for tokens, which are nil for a line that failed.
func writeTokens(out *bufio.Writer, tokens tokenizer.Tokens, asJSON bool) error {
	line, err := json.Marshal(tokens)
	if err != nil {
		return err
	}
	if !asJSON {
		line = bytes.ReplaceAll(bytes.Trim(line, "[]nul"), []byte(","), []byte(" "))
	}
	_, err = out.Write(append(line, '\n'))
	return err
}
