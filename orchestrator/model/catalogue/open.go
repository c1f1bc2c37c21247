package catalogue

import (
	"os"
	"path/filepath"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/model"
)

// Open is model.Find that also knows the names of the catalogue in every way to write them.
// Faults: NotFound, which says what to pull, and those of model.Open.
func Open(models []Model, nameOrDir, modelsDir string) (*model.Model, error) {
	opened, err := model.Find(nameOrDir, modelsDir)
	if fault.KindOf(err) != fault.KindNotFound || err == nil {
		return opened, err
	}
	if _, statErr := os.Stat(nameOrDir); statErr == nil {
		return nil, err // a directory that lacks something
	}
	known, findErr := Find(models, nameOrDir)
	if findErr != nil {
		return nil, err
	}
	dir := filepath.Join(modelsDir, Directory(known.Name))
	if _, err := os.Stat(filepath.Join(dir, model.CardFile)); err == nil {
		return model.Open(dir)
	}
	return nil, fault.NotFound("%s is not here yet; `clipseek model pull %s` gets it", known.Name, known.Name)
}
