package model_test

import (
	"strings"
	"testing"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/model"
)

func prompted(prompts string) string {
	return strings.Replace(card(), "causal: true", "causal: true, prompts: ["+prompts+"]", 1)
}

func TestReadCardPrompts(t *testing.T) {
	t.Parallel()
	with, err := model.ReadCard([]byte(prompted(`"{}", "a photo of a {}", "一张{}的照片"`)))
	if err != nil || len(with.Text.Prompts) != 3 {
		t.Fatalf("%q, %v", with.Text.Prompts, err)
	}
	without, err := model.ReadCard([]byte(card()))
	if err != nil || with.Identity() != without.Identity() {
		t.Errorf("identities %s and %s, %v; templates change no stored vector", with.Identity(), without.Identity(), err)
	}
	for name, tc := range map[string]struct {
		prompts string
		want    []string
	}{
		"no place":  {"a photo", []string{`text.prompts[0] is "a photo"`, "{} once"}},
		"two":       {`"{}", "{} and {}"`, []string{"text.prompts[1]", "{} once"}},
		"a field":   {`"{a} and {}"`, []string{"text.prompts[0]", "no other brace"}},
		"twice":     {`"{}!", "{}!"`, []string{"text.prompts[1]", "there already"}},
		"too long":  {`"{}` + strings.Repeat("x", 199) + `"`, []string{"text.prompts[0] has 201 bytes and may have 200"}},
		"too many":  {strings.Repeat(`"{}", `, 101), []string{"101 templates and may have 100"}},
		"of two":    {`"", "x{"`, []string{"text.prompts[0]", "text.prompts[1]"}},
		"no string": {`[a]`, []string{"cannot be read"}},
	} {
		_, err := model.ReadCard([]byte(prompted(tc.prompts)))
		if fault.KindOf(err) != fault.KindInvalid {
			t.Errorf("%s: %v", name, err)
		}
		for _, want := range tc.want {
			if !strings.Contains(fault.Public(err), want) {
				t.Errorf("%s: %q lacks %q", name, fault.Public(err), want)
			}
		}
	}
}
