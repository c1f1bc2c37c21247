package catalogue

import (
	"strings"

	"go.yaml.in/yaml/v3"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/model"
)

// CardText writes the card.yaml of a model whose files came from an ONNX origin; hashes are their SHA-256 by name.
// Fault: Invalid, where this program cannot read such a card.
func (m Model) CardText(o Origin, hashes map[string]string) ([]byte, error) {
	licence := m.Licence
	if o.Licence != "" {
		licence = o.Licence
	}
	head := struct {
		Format    int      `yaml:"format"`
		Name      string   `yaml:"name"`
		Title     string   `yaml:"title"`
		Licence   string   `yaml:"licence"`
		Source    string   `yaml:"source"`
		Languages []string `yaml:"languages,flow"`
		Width     int      `yaml:"width"`
	}{model.CardFormat, Directory(m.Name), m.Title, licence, o.From, m.Languages, m.Width}
	var towers map[string]any // without the anchors that a catalogue may have
	if err := o.Card.Decode(&towers); err != nil {
		return nil, fault.Invalid("the catalogue's card of %s cannot be read: %s", m.Name, strings.TrimPrefix(err.Error(), "yaml: ")).Because(err)
	}
	var text []byte
	for _, part := range []any{head, towers, map[string]any{"files": hashes}} {
		b, err := yaml.Marshal(part)
		if err != nil {
			return nil, fault.Internal("write the card of %s", m.Name).Because(err)
		}
		text = append(text, b...)
	}
	if _, err := model.ReadCard(text); err != nil {
		return nil, fault.At("the catalogue's card of "+m.Name, err)
	}
	return text, nil
}

// Rename gives the text of an export's card the model's name, and the catalogue's title, licence and languages.
// Fault: Invalid.
func (m Model) Rename(cardText []byte, name string) ([]byte, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(cardText, &doc); err != nil || len(doc.Content) != 1 || doc.Content[0].Kind != yaml.MappingNode {
		return nil, fault.Invalid("%s cannot be read", cardFile).Because(err)
	}
	top := doc.Content[0]
	values := []struct {
		key   string
		value any
		known bool
	}{{"name", name, true}, {"title", m.Title, m.Title != ""}, {"licence", m.Licence, true}, {"languages", m.Languages, len(m.Languages) > 0}}
	for _, v := range values {
		if !v.known {
			continue
		}
		var value yaml.Node
		if err := value.Encode(v.value); err != nil {
			return nil, fault.Internal("write %s of a card", v.key).Because(err)
		}
		set(top, v.key, &value)
	}
	text, err := yaml.Marshal(&doc)
	if err != nil {
		return nil, fault.Internal("write the card of %s", m.Name).Because(err)
	}
	_, err = model.ReadCard(text)
	return text, err
}

// set replaces or appends a key of a mapping.
func set(mapping *yaml.Node, key string, value *yaml.Node) {
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == key {
			mapping.Content[i+1] = value
			return
		}
	}
	var name yaml.Node
	name.SetString(key)
	mapping.Content = append(mapping.Content, &name, value)
}
