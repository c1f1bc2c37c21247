package repository

import (
	"bytes"
	_ "embed" // the template and the Python backend's model
	"path"
	"text/template"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/model"
)

//go:embed config.pbtxt.tmpl
var configText string

//go:embed model.py
var modelPython []byte

// file is a rendered file by its slash-separated path in the repository.
type file struct {
	path    string
	content []byte
}

// render gives the files of the repository, the ONNX files excepted, each model's config.pbtxt last.
func render(card model.Card, towers []tower, opts Options) ([]file, error) {
	tmpl, err := template.New("config.pbtxt").Parse(configText)
	if err != nil {
		return nil, fault.Internal("the template of Triton's configurations").Because(err)
	}
	var files []file
	for _, t := range towers {
		files = append(files, file{path.Join(t.model, version, "model.py"), modelPython})
		var first []byte
		for _, v := range variants {
			var text bytes.Buffer
			data := struct {
				setting
				Card model.Card
			}{newSetting(t, v, opts), card}
			if err := tmpl.Execute(&text, data); err != nil {
				return nil, fault.Internal("render %s of %s", v.Name, t.model).Because(err)
			}
			if first == nil {
				first = text.Bytes()
			}
			files = append(files, file{path.Join(t.model, "configs", v.Name+".pbtxt"), text.Bytes()})
		}
		files = append(files, file{path.Join(t.model, "config.pbtxt"), first})
	}
	return files, nil
}
