package line_test

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/source/line"
)

func TestLines(t *testing.T) {
	t.Parallel()
	const long = "<long>"
	for name, tc := range map[string]struct {
		text string
		want []string
	}{
		"nothing":          {"", nil},
		"a mark":           {"\xef\xbb\xbf", nil},
		"half a mark":      {"\xef\xbb", []string{"\xef\xbb"}},
		"a mark and more":  {"\xef\xbb\xbfa\n\xef\xbb\xbfb", []string{"a", "\xef\xbb\xbfb"}},
		"no end":           {"a\nb", []string{"a", "b"}},
		"empty ones":       {"\n\r\n\n", []string{"", "", ""}},
		"carriage returns": {"a\r\nb\rc\r\r\n", []string{"a", "b\rc\r"}},
		"just fits":        {"12345678\r\n12345678\n12345678", []string{"12345678", "12345678", "12345678"}},
		"too long":         {"123456789\r\na\n1234567890\n123456789012\nb", []string{long, "a", long, long, "b"}},
		"over the buffer":  {strings.Repeat("x", 200<<10) + "\na", []string{long, "a"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			places := []line.Place{}
			read := func(from line.Place) (got []string) {
				l := line.New(strings.NewReader(tc.text[from.Offset:]), 8, from)
				for {
					text, err := l.Next()
					switch {
					case errors.Is(err, io.EOF):
						return got
					case fault.KindOf(err) == fault.KindTooLarge:
						text = []byte(long)
					case err != nil:
						t.Fatal(err)
					}
					got = append(got, string(text))
					if from.Number == 0 {
						places = append(places, l.Place())
					}
				}
			}
			if got := read(line.Place{}); !slices.Equal(got, tc.want) {
				t.Errorf("lines = %q, want %q", got, tc.want)
			}
			for i, place := range places {
				again, err := line.ParsePlace(place.String())
				if err != nil || again != place || line.Check(strings.NewReader(tc.text), int64(len(tc.text)), place) != nil {
					t.Errorf("%q becomes %q, %v", place, again, err)
				}
				if got := read(place); !slices.Equal(got, tc.want[i+1:]) {
					t.Errorf("behind line %d come %q, want %q", i+1, got, tc.want[i+1:])
				}
			}
		})
	}
}
