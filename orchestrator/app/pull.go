package app

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/model"
	"clipseek/orchestrator/model/catalogue"
	"clipseek/orchestrator/model/pull"
	"clipseek/triton_models/export"
)

// Catalogue is the models of hub.catalogue and the built-in ones that they do not replace. Faults: NotFound, Invalid.
func (c Config) Catalogue() ([]catalogue.Model, error) {
	builtin, err := catalogue.Builtin()
	if err != nil || c.Hub.Catalogue == "" {
		return builtin, err
	}
	text, err := os.ReadFile(c.Hub.Catalogue)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fault.NotFound("hub.catalogue: %s is not there", c.Hub.Catalogue).Because(err)
	case err != nil:
		return nil, fault.Invalid("hub.catalogue: %s cannot be read", c.Hub.Catalogue).Because(err)
	}
	own, err := catalogue.Read(text)
	if err != nil {
		return nil, fault.At(c.Hub.Catalogue, err)
	}
	return catalogue.Join(own, builtin), nil
}

// FindModel opens the configured model, by its directory, its name or a name of the catalogue.
func FindModel(cfg Config) (*model.Model, error) {
	m, err := model.Find(cfg.Model, cfg.ModelsFolder())
	if err == nil || fault.KindOf(err) != fault.KindNotFound {
		return m, err
	}
	models, err := cfg.Catalogue()
	if err != nil {
		return nil, err
	}
	return catalogue.Open(models, cfg.Model, cfg.ModelsFolder())
}

// PullModel has a model of the catalogue among those that are called by name. The model is proven in this process,
// whatever encoder is configured.
func PullModel(ctx context.Context, cfg Config, name string, r pull.Request, log *slog.Logger) (pull.Report, error) {
	models, err := cfg.Catalogue()
	if err != nil {
		return pull.Report{}, err
	}
	m, err := catalogue.Find(models, name)
	if err != nil {
		return pull.Report{}, err
	}
	puller, err := pull.New(cfg.Hub, pull.Deps{
		Models:   cfg.ModelsFolder(),
		Exporter: pull.Exporter{Files: export.Programs, Program: export.Program, Requirements: export.Requirements},
		Prove: func(ctx context.Context, dir string) error {
			cfg := cfg
			cfg.Model, cfg.Encoder.Kind = dir, EncoderONNX
			opened, err := OpenModel(cfg)
			if err != nil {
				return err
			}
			enc, err := OpenEncoder(ctx, cfg, opened, log)
			if err != nil {
				return err
			}
			return enc.Close()
		},
	})
	if err != nil {
		return pull.Report{}, err
	}
	return puller.Pull(ctx, m, r)
}
