// Package config loads a configuration struct: defaults, then a YAML file, then the environment, then flags.
//
// It knows nothing of what is configured. Every package has a Config with koanf tags, defaults and a Validate method;
// package app composes them into one struct, and Load fills it, refuses keys that nobody reads, and reports the faults
// of all sections together, each with its full key.
//
//	cfg, err := config.Load(app.Default(), config.Sources{File: "clipseek.yaml", Environ: os.Environ()})
//
// In the environment the prefix is CLIPSEEK_ and a double underscore goes one level down: CLIPSEEK_SERVER__LISTEN is
// server.listen. Lists are separated by commas there.
package config

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"

	"github.com/go-viper/mapstructure/v2"
	"github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/providers/confmap"
	"github.com/knadh/koanf/providers/env/v2"
	"github.com/knadh/koanf/providers/rawbytes"
	"github.com/knadh/koanf/providers/structs"
	"github.com/knadh/koanf/v2"

	"clipseek/orchestrator/fault"
)

const (
	delimiter = "."
	tag       = "koanf"
	envPrefix = "CLIPSEEK_"
)

// Sources are where values come from; each overrides the one before it.
type Sources struct {
	File    string         // a YAML file; empty is none
	Environ []string       // KEY=value, as os.Environ gives
	Flags   map[string]any // by full key, such as "server.listen"
}

// Load fills a copy of defaults, a struct, and checks it. Fault: Invalid or NotFound, with every fault found.
func Load[T any](defaults T, from Sources) (T, error) {
	base := koanf.New(delimiter)
	if err := base.Load(structs.Provider(defaults, tag), nil); err != nil {
		return defaults, fault.Internal("read the default configuration").Because(err)
	}
	layers, err := from.layers()
	if err != nil {
		return defaults, err
	}
	known := base.Keys()
	var wrong []string
	for _, layer := range layers {
		for _, key := range layer.values.Keys() {
			if !slices.Contains(known, key) {
				wrong = append(wrong, fmt.Sprintf("%s: there is no key %s%s", layer.name, layer.spell(key), suggest(key, known)))
			}
		}
		if err := base.Merge(layer.values); err != nil {
			return defaults, fault.Invalid("%s cannot be merged: %s", layer.name, err).Because(err)
		}
	}
	if len(wrong) > 0 {
		return defaults, report(wrong)
	}
	cfg := defaults
	if err := decode(base, &cfg); err != nil {
		return defaults, err
	}
	if wrong := check(reflect.ValueOf(cfg), ""); len(wrong) > 0 {
		return defaults, report(wrong)
	}
	return cfg, nil
}

// layer is the values of one source.
type layer struct {
	name   string
	values *koanf.Koanf
	spell  func(key string) string // how the source writes a key
}

func (s Sources) layers() ([]layer, error) {
	asIs := func(key string) string { return key }
	var all []layer
	add := func(name string, spell func(string) string, provider koanf.Provider, parser koanf.Parser) error {
		values := koanf.New(delimiter)
		if err := values.Load(provider, parser); err != nil {
			return fault.Invalid("%s cannot be read: %s", name, strings.TrimPrefix(err.Error(), "yaml: ")).Because(err)
		}
		all = append(all, layer{name, values, spell})
		return nil
	}
	if s.File != "" {
		text, err := os.ReadFile(s.File)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil, fault.NotFound("the configuration file %s is not there", s.File).Because(err)
		case err != nil:
			return nil, fault.Invalid("the configuration file %s cannot be read", s.File).Because(err)
		}
		if err := add(s.File, asIs, rawbytes.Provider(text), yaml.Parser()); err != nil {
			return nil, err
		}
	}
	environment := env.Provider(delimiter, env.Opt{
		Prefix:        envPrefix,
		TransformFunc: func(k, v string) (string, any) { return fromEnv(k), v },
		EnvironFunc:   func() []string { return s.Environ },
	})
	if err := add("the environment", toEnv, environment, nil); err != nil {
		return nil, err
	}
	return all, add("the command line", asIs, confmap.Provider(s.Flags, delimiter), nil)
}

func fromEnv(name string) string {
	return strings.ReplaceAll(strings.ToLower(strings.TrimPrefix(name, envPrefix)), "__", delimiter)
}

func toEnv(key string) string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(key, delimiter, "__"))
}

func decode(values *koanf.Koanf, target any) error {
	err := values.UnmarshalWithConf("", target, koanf.UnmarshalConf{Tag: tag, DecoderConfig: &mapstructure.DecoderConfig{
		ErrorUnused:      true,
		WeaklyTypedInput: true, // the environment has strings only
		DecodeHook: mapstructure.ComposeDecodeHookFunc(
			mapstructure.StringToTimeDurationHookFunc(),
			mapstructure.StringToSliceHookFunc(","),
			mapstructure.TextUnmarshallerHookFunc(),
		),
	}})
	if err == nil {
		return nil
	}
	var wrong []string
	for line := range strings.Lines(err.Error()) { // one line a value, after a heading
		if line = strings.Trim(line, "* \n"); strings.Contains(line, "'") {
			wrong = append(wrong, line)
		}
	}
	return report(wrong)
}

// check calls Validate on every section and puts the section's key in front of each fault.
func check(v reflect.Value, key string) []string {
	var wrong []string
	if section, ok := v.Interface().(interface{ Validate() error }); ok {
		wrong = append(wrong, faults(section.Validate(), key)...)
	}
	if v.Kind() != reflect.Struct {
		return wrong
	}
	for i := range v.NumField() {
		if name := v.Type().Field(i).Tag.Get(tag); name != "" {
			wrong = append(wrong, check(v.Field(i), join(key, name))...)
		}
	}
	return wrong
}

func faults(err error, key string) []string {
	if err == nil {
		return nil
	}
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		var all []string
		for _, one := range many.Unwrap() {
			all = append(all, faults(one, key)...)
		}
		return all
	}
	return []string{join(key, fault.Public(err))}
}

func join(key, name string) string {
	if key == "" {
		return name
	}
	return key + delimiter + name
}

func report(wrong []string) error {
	if len(wrong) == 1 {
		return fault.Invalid("configuration: %s", wrong[0])
	}
	return fault.Invalid("configuration: %d faults:\n  %s", len(wrong), strings.Join(wrong, "\n  "))
}

// Print writes cfg as YAML that Load reads, with the values of fields tagged secret:"true" replaced by dots.
func Print(cfg any) (string, error) {
	values := koanf.New(delimiter)
	if err := values.Load(structs.Provider(cfg, tag), nil); err != nil {
		return "", fault.Internal("print the configuration").Because(err)
	}
	hidden := map[string]any{}
	for key := range secrets(reflect.TypeOf(cfg), "") {
		if values.String(key) != "" {
			hidden[key] = "********"
		}
	}
	for key, value := range values.All() {
		if d, ok := value.(fmt.Stringer); ok { // durations read back in their own notation
			hidden[key] = d.String()
		}
	}
	if err := values.Load(confmap.Provider(hidden, delimiter), nil); err != nil {
		return "", fault.Internal("print the configuration").Because(err)
	}
	text, err := values.Marshal(yaml.Parser())
	if err != nil {
		return "", fault.Internal("print the configuration").Because(err)
	}
	return string(text), nil
}

// secrets is the set of keys of fields tagged secret:"true".
func secrets(t reflect.Type, key string) map[string]bool {
	found := map[string]bool{}
	if t.Kind() != reflect.Struct {
		return found
	}
	for i := range t.NumField() {
		field := t.Field(i)
		name := field.Tag.Get(tag)
		if name == "" {
			continue
		}
		if field.Tag.Get("secret") == "true" {
			found[join(key, name)] = true
		}
		maps.Copy(found, secrets(field.Type, join(key, name)))
	}
	return found
}
