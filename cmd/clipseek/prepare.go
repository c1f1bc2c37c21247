package main

import (
	"github.com/spf13/cobra"

	"clipseek/orchestrator/app"
	"clipseek/orchestrator/fault"
)

func (p *program) prepareCommand() *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "prepare -o OUT.npy FILE...",
		Short: "Turn pictures into the tensor that the model takes",
		Long:  "Write a float32 NumPy array [files, 3, size, size]: the pictures as the model takes them. Any file that fails fails all." + exitCodesHelp,
		Args:  args(cobra.MinimumNArgs(1)),
		RunE: func(_ *cobra.Command, files []string) error {
			_, _, m, err := p.openModel(nil)
			if err != nil {
				return err
			}
			size := m.Spec.Size
			prepare := preparer{model: m, tensor: make([]float32, m.Spec.Len())}
			return writeNPY(out, []int{len(files), 3, size, size}, func(write func([]float32) error) error {
				for _, name := range files {
					if err := prepare.file(name); err != nil {
						return err
					}
					if err := write(prepare.tensor); err != nil {
						return err
					}
				}
				return nil
			})
		},
	}
	addOutFlag(cmd, &out)
	return cmd
}

// preparer makes the tensor of one file after the other in the same memory.
type preparer struct {
	model   *app.Model
	content []byte
	tensor  []float32
}

func (p *preparer) file(name string) (err error) {
	if p.content, err = readFile(p.model.Decoder, name, p.content); err != nil {
		return err
	}
	return fault.At(name, p.model.Tensor(p.content, p.tensor))
}
