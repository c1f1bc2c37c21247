package catalogue

import (
	"fmt"
	"io/fs"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/model"
)

var (
	nameForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._@/-]{0,99}$`)
	hashForm = regexp.MustCompile(`^[0-9a-f]{64}$`)
)

// faults gathers what is wrong with a catalogue.
type faults []string

func (f *faults) need(ok bool, format string, args ...any) {
	if !ok {
		*f = append(*f, fmt.Sprintf(format, args...))
	}
}

func check(models []Model) error {
	var wrong faults
	owner := map[string]string{}
	for _, m := range models {
		wrong.need(nameForm.MatchString(m.Name) && !strings.Contains(m.Name, "//") && !strings.HasSuffix(m.Name, "/"),
			"name = %q must be letters, digits and . _ @ / -, for example %s", m.Name, Default)
		for _, form := range append([]string{m.Name}, m.Aliases...) {
			other, taken := owner[canonical(form)]
			wrong.need(!taken && canonical(form) != "", "%s: the name %q is also that of %s", m.Name, form, other)
			owner[canonical(form)] = m.Name
		}
		m.check(&wrong)
	}
	if len(wrong) > 0 {
		return fault.Invalid("the catalogue: %s", strings.Join(wrong, "; "))
	}
	return nil
}

func (m Model) check(wrong *faults) {
	wrong.need(m.Width > 0, "%s: width must be above 0", m.Name)
	wrong.need(m.Pixels > 0, "%s: pixels must be above 0", m.Name)
	wrong.need(m.Licence != "", "%s: licence must be named", m.Name)
	wrong.need((len(m.Origins) > 0) != (m.NotPulled != ""), "%s needs either origins or not_pulled, which says why there are none", m.Name)
	for _, s := range m.Scores {
		wrong.need(s.Set != "" && slices.Contains([]string{TextToImage, ImageToText, Classification}, s.Task), "%s: a score needs set and task (%s, %s or %s)", m.Name, TextToImage, ImageToText, Classification)
		for _, r := range []float64{s.R1, s.R5, s.R10} {
			wrong.need(r >= 0 && r <= 100, "%s: %s %s is in percent", m.Name, s.Set, s.Task)
		}
	}
	var kinds []string
	for _, o := range m.Origins {
		wrong.need(o.Kind == ONNX || o.Kind == Weights, "%s: origin kind = %q must be %s or %s", m.Name, o.Kind, ONNX, Weights)
		wrong.need(!slices.Contains(kinds, o.Kind), "%s has two origins of the kind %s", m.Name, o.Kind)
		kinds = append(kinds, o.Kind)
		wrong.need((o.Kind == ONNX) == !o.Card.IsZero(), "%s: an origin has a card if its kind is %s, and only then", m.Name, ONNX)
		o.check(m.Name, wrong)
	}
}

func (o Origin) check(model string, wrong *faults) {
	wrong.need(len(o.Files) > 0, "%s: the origin %s has no files", model, o.From)
	var names []string
	for _, f := range o.Files {
		wrong.need(fs.ValidPath(f.Name) && path.Clean(f.Name) == f.Name && f.Name != "." && f.Name != cardFile, "%s: file name %q must be a path inside the model directory", model, f.Name)
		wrong.need(!slices.Contains(names, f.Name), "%s has two files %s", model, f.Name)
		names = append(names, f.Name)
		u, err := url.Parse(f.URL)
		wrong.need(err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "", "%s: url = %q of %s must be a web address", model, f.URL, f.Name)
		wrong.need(f.SHA256 == "" || hashForm.MatchString(f.SHA256), "%s: sha256 of %s must be 64 hexadecimal digits", model, f.Name)
		wrong.need(f.Bytes >= 0, "%s: bytes of %s must not be negative", model, f.Name)
	}
}

const cardFile = model.CardFile
