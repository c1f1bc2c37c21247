package app_test

import (
	"archive/zip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"clipseek/orchestrator/app"
	"clipseek/orchestrator/app/apptest"
	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/jobs"
	"clipseek/orchestrator/source/sourcetest"
)

func writeZip(t *testing.T, path string, names ...string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w := zip.NewWriter(f)
	for _, name := range names {
		entry, err := w.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := entry.Write([]byte(name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestOpenSource mixes all that a command line may name.
func TestOpenSource(t *testing.T) {
	t.Parallel()
	root := apptest.Write(t, map[string][]byte{
		"photos/1.jpg": []byte("1"), "photos/in/2.jpg": []byte("2"), "single": []byte("3"), "more/x/4.jpg": []byte("4"), "more/5.png": []byte("5"),
		"odd [1]/6.jpg": []byte("6"), "more/broken.zip": []byte("PK\x03\x04"),
	})
	in := func(name string) string { return filepath.Join(root, filepath.FromSlash(name)) }
	writeZip(t, in("album"), "a/7.jpg") // told by its content
	writeZip(t, in("more/shard-1.zip"), "8.jpg")
	writeZip(t, in("more/shard-2.zip"), "9.jpg")
	s, err := app.OpenSource(t.Context(), app.Default(), jobs.Spec{Sources: []string{in("album"), in("photos/in"), in("more/**"), in("photos"), in("single"), in("odd [1]")}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	sourcetest.Run(t, s, map[string]string{
		in("photos/1.jpg"): "1", in("photos/in/2.jpg"): "2", in("single"): "3", in("more/x/4.jpg"): "4", in("more/5.png"): "5", in("odd [1]/6.jpg"): "6",
		in("album") + "!/a/7.jpg": "a/7.jpg", in("more/shard-1.zip") + "!/8.jpg": "8.jpg", in("more/shard-2.zip") + "!/9.jpg": "9.jpg",
	})
	var failed []string
	for item, err := range s.Items(t.Context(), "") {
		if err != nil {
			failed = append(failed, item.Path)
		}
	}
	if !slices.Equal(failed, []string{in("more/broken.zip")}) {
		t.Errorf("failed %q", failed)
	}
}

func TestOpenSourceFaults(t *testing.T) {
	t.Parallel()
	root := apptest.Write(t, map[string][]byte{"1.jpg": []byte("1"), "x.7z": []byte("7z\xbc\xaf\x27\x1cxxxx")})
	for name, tc := range map[string]struct {
		args []string
		kind fault.Kind
		want string
	}{
		"none":           {nil, fault.KindInvalid, "is named"},
		"nowhere":        {[]string{root, root + "/nowhere"}, fault.KindNotFound, "nowhere"},
		"no match":       {[]string{root + "/*.png"}, fault.KindNotFound, "*.png"},
		"bad pattern":    {[]string{root + "/[a"}, fault.KindInvalid, "[a"},
		"nowhere to go":  {[]string{root + "/nowhere/*.png"}, fault.KindNotFound, "nowhere"},
		"foreign at all": {[]string{root + "/x.7z"}, fault.KindInvalid, "x.7z is an archive of a kind that is not read"},
	} {
		_, err := app.OpenSource(t.Context(), app.Default(), jobs.Spec{Sources: tc.args}, nil)
		if fault.KindOf(err) != tc.kind || !strings.Contains(fault.Public(err), tc.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
