package repository_test

import (
	"os"
	"strings"
	"testing"

	"clipseek/deploy/servers"
	"clipseek/deploy/servers/serverstest"
	"clipseek/orchestrator/app/apptest"
	"clipseek/orchestrator/encoder"
	"clipseek/orchestrator/encoder/encodertest"
	"clipseek/orchestrator/encoder/triton"
	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/model"
	"clipseek/orchestrator/model/modeltest"
	"clipseek/triton_models/repository"
)

// TestServesPicturesAlone installs a model without a text tower and runs it on a Triton that has nothing else.
func TestServesPicturesAlone(t *testing.T) {
	m, err := model.Open(modeltest.Pictures{Golden: true}.Write(t, t.TempDir()))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	report, err := repository.Install(m, dir, repository.Default())
	if err != nil {
		t.Fatal(err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 || entries[0].Name() != repository.ImageModel {
		t.Errorf("the repository holds %v, %v", entries, err)
	}
	for _, start := range report.Variants {
		for _, command := range append([]string{start.Container, start.Process}, start.Prepare...) {
			if strings.Contains(command, repository.TextModel) {
				t.Errorf("%s: %s", start.Name, command)
			}
		}
	}
	server := serverstest.Triton(t, servers.TritonConfig{Repository: dir, Variant: "python",
		Args: []string{"--model-control-mode=explicit", "--load-model=" + repository.ImageModel}})
	open := func(t *testing.T) *triton.Encoder {
		cfg := triton.Default()
		cfg.Endpoints = []string{server.GRPC}
		enc, err := triton.Open(m, cfg, apptest.Log(t))
		if err != nil {
			t.Fatal(err)
		}
		return enc
	}
	encodertest.RunPictures(t, func(t *testing.T) encoder.Encoder { return open(t) })

	enc := open(t)
	defer func() {
		if err := enc.Close(); err != nil {
			t.Error(err)
		}
	}()
	if err := enc.Ready(t.Context()); err != nil {
		t.Errorf("Ready: %v", err)
	}
	image, text, err := enc.Statistics(t.Context())
	if err != nil || image.Rows == 0 || text.Rows != 0 {
		t.Errorf("%d rows of pictures and %d of texts, %v", image.Rows, text.Rows, err)
	}
	if err := enc.Unload(t.Context()); err != nil {
		t.Error(err)
	}
	if err := enc.Ready(t.Context()); fault.KindOf(err) != fault.KindUnavailable {
		t.Errorf("Ready without the model: %v", err)
	}
	if err := enc.Load(t.Context()); err != nil {
		t.Error(err)
	}
	if err := enc.Ready(t.Context()); err != nil {
		t.Errorf("Ready again: %v", err)
	}
}
