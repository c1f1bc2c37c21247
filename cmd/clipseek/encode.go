package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"clipseek/orchestrator/app"
	"clipseek/orchestrator/encoder"
	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/imageprep"
	"clipseek/orchestrator/tokenizer"
)

func (p *program) encodeCommand() *cobra.Command {
	var out string
	var texts, images []string
	cmd := &cobra.Command{
		Use:   "encode -o OUT.npy (--text T... | --image F...)",
		Short: "Turn texts or pictures into embeddings",
		Long:  "Write a float32 NumPy array [items, width] of embeddings with L2 norm 1, in the order given. Any item that fails fails all." + exitCodesHelp,
		Example: `  clipseek encode -o texts.npy --text "a red apple" "a banana"
  clipseek encode -o photos.npy --image *.jpg`,
		RunE: func(cmd *cobra.Command, more []string) error {
			if (len(texts) > 0) == (len(images) > 0) {
				return usageError{errors.New("encode needs either --text or --image; see `clipseek encode --help`")}
			}
			if len(texts) > 0 {
				return p.encode(cmd.Context(), out, append(texts, more...), encodeTexts)
			}
			return p.encode(cmd.Context(), out, append(images, more...), encodeImages)
		},
	}
	cmd.Flags().StringArrayVar(&texts, "text", nil, "`TEXT` to embed; may be repeated, and further arguments are texts too")
	cmd.Flags().StringArrayVar(&images, "image", nil, "picture `FILE` to embed; may be repeated, and further arguments are files too")
	addOutFlag(cmd, &out)
	return cmd
}

// encodeBatch is how many items are prepared before they are encoded; it bounds memory.
const encodeBatch = 64

type encodeFunc func(ctx context.Context, m *app.Model, enc encoder.Encoder, items []string) ([]encoder.Vector, error)

func (p *program) encode(ctx context.Context, out string, items []string, f encodeFunc) (err error) {
	cfg, log, m, err := p.openModel(nil)
	if err != nil {
		return err
	}
	enc, err := app.OpenEncoder(ctx, cfg, m, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, enc.Close()) }()
	return writeNPY(out, []int{len(items), m.Card.Width}, func(write func([]float32) error) error {
		for len(items) > 0 {
			n := min(len(items), encodeBatch)
			vectors, err := f(ctx, m, enc, items[:n])
			if err != nil {
				return err
			}
			for _, v := range vectors {
				if err := write(v); err != nil {
					return err
				}
			}
			items = items[n:]
		}
		return nil
	})
}

func encodeTexts(ctx context.Context, m *app.Model, enc encoder.Encoder, texts []string) ([]encoder.Vector, error) {
	if err := m.Card.NeedText(); err != nil {
		return nil, err
	}
	batch := make([]tokenizer.Tokens, len(texts))
	for i, text := range texts {
		var err error
		if batch[i], err = m.Tokenizer.Encode(text); err != nil {
			return nil, fault.At("text "+text, err)
		}
	}
	return enc.EncodeText(ctx, batch)
}

func encodeImages(ctx context.Context, m *app.Model, enc encoder.Encoder, files []string) ([]encoder.Vector, error) {
	batch := imageprep.NewBatch(len(files), m.Spec.Size)
	var file []byte
	for i, name := range files {
		var err error
		if file, err = readFile(m.Decoder, name, file); err != nil {
			return nil, err
		}
		if err := m.Pixels(file, batch.Image(i)); err != nil {
			return nil, fault.At(name, err)
		}
	}
	return enc.EncodeImages(ctx, batch)
}
