package app

import (
	"fmt"
	"io"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/model"
	"clipseek/orchestrator/tokenizer"
)

// OpenTokenizer reads the tokenizer that a model's card names, from the model's own file. Faults: Invalid (the model has
// no text tower, the file is none of its kind).
func OpenTokenizer(m *model.Model, more ...tokenizer.Option) (tokenizer.Tokenizer, error) {
	if err := m.Card.NeedText(); err != nil {
		return nil, err
	}
	_, name := m.Card.Text.Tokenizer.File()
	file, err := m.Files().Open(name)
	if err != nil {
		return nil, fault.Internal("open %s of %s", name, m.Where()).Because(err)
	}
	tok, err := readTokenizer(file, m.Card.Text, more)
	if closeErr := file.Close(); err == nil && closeErr != nil {
		err = fmt.Errorf("close: %w", closeErr)
	}
	if err != nil {
		return nil, fault.At(m.Where()+": "+name, err)
	}
	return tok, nil
}

func readTokenizer(file io.Reader, text model.TextTower, opts []tokenizer.Option) (tokenizer.Tokenizer, error) {
	card := text.Tokenizer
	switch card.Kind {
	case model.TokenizerCLIP:
		return tokenizer.ReadCLIP(file, text.Context, append(opts, tokenizer.WithMerges(card.Count))...)
	case model.TokenizerBERT:
		if card.Cased {
			opts = append(opts, tokenizer.Cased())
		}
		return tokenizer.ReadBERT(file, text.Context, opts...)
	case model.TokenizerSentencePiece:
		opts = append(opts, tokenizer.WithControls(card.Start, card.End), tokenizer.WithClean(cleanOf(card.Clean)))
		if card.IDs == model.IDsFairseq {
			opts = append(opts, tokenizer.FairseqIDs())
		}
		return tokenizer.ReadSentencePiece(file, text.Context, opts...)
	}
	return nil, fault.Invalid("there is no tokenizer of the kind %q", card.Kind)
}

func cleanOf(names []string) tokenizer.Clean {
	steps := map[string]tokenizer.Clean{
		model.CleanRepair:      tokenizer.CleanRepair,
		model.CleanPunctuation: tokenizer.CleanPunctuation,
		model.CleanCase:        tokenizer.CleanCase,
		model.CleanSpaces:      tokenizer.CleanSpaces,
	}
	var clean tokenizer.Clean
	for _, name := range names {
		clean |= steps[name]
	}
	return clean
}
