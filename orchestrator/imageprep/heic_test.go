package imageprep

import (
	"bytes"
	"encoding/binary"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"clipseek/orchestrator/fault"
)

// TestHEICParity compares HEIC of every kind with pillow-heif: each byte must be the same, but where chroma is stored at
// half the size (4:2:0) in full range. There libheif's arithmetic differs from version to version.
func TestHEICParity(t *testing.T) {
	t.Parallel()
	compareParity(t, newDecoder(t, Default()), reference(t, "heics.py"), func(name string) float64 {
		switch {
		case !strings.Contains(name, "420-full"):
			return 0
		case strings.Contains(name, "-10-"), strings.Contains(name, "-12-"):
			return 0.9
		default:
			return 0.06
		}
	})
}

// TestBoxes covers what is known of a file before a library is asked.
func TestBoxes(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ file, codec string }{
		"avif":                      {"\x00\x00\x00\x18ftypavif\x00\x00\x00\x00mif1miaf", "avif"},
		"avif sequence":             {"\x00\x00\x00\x14ftypavis\x00\x00\x00\x00msf1", "avif"},
		"generic, compatible avif":  {"\x00\x00\x00\x18ftypmif1\x00\x00\x00\x00miafavif", "avif"},
		"generic, compatible heic":  {"\x00\x00\x00\x18ftypmif1\x00\x00\x00\x00miafheic", "heic"},
		"heic":                      {"\x00\x00\x00\x14ftypheic\x00\x00\x00\x00mif1", "heic"},
		"heic of 10 bits":           {"\x00\x00\x00\x14ftypheix\x00\x00\x00\x00mif1", "heic"},
		"generic":                   {"\x00\x00\x00\x14ftypmif1\x00\x00\x00\x00miaf", "heic"},
		"size of eight bytes":       {"\x00\x00\x00\x01ftyp\x00\x00\x00\x00\x00\x00\x00\x18avif\x00\x00\x00\x00", "avif"},
		"brand behind the box":      {"\x00\x00\x00\x10ftypisom\x00\x00\x00\x00avif", ""},
		"video":                     {"\x00\x00\x00\x14ftypmp42\x00\x00\x00\x00isom", ""},
		"camera RAW":                {"\x00\x00\x00\x14ftypcrx \x00\x00\x00\x00isom", ""},
		"box beyond the file":       {"\x00\x00\x01\x00ftypavif\x00\x00\x00\x00", ""},
		"box smaller than its head": {"\x00\x00\x00\x04ftypavif\x00\x00\x00\x00", ""},
		"short":                     {"\x00\x00\x00\x0cftypavif", ""},
	} {
		if got := codecOf([]byte(tc.file)); got != tc.codec {
			t.Errorf("%s: %q, want %q", name, got, tc.codec)
		}
	}
}

// TestItems judges lists of items: where they lie and how much they are together.
func TestItems(t *testing.T) {
	t.Parallel()
	box := func(kind string, content ...byte) []byte {
		return slices.Concat(binary.BigEndian.AppendUint32(nil, uint32(len(content)+8)), []byte(kind), content)
	}
	file := func(iloc ...byte) []byte {
		return append(box("meta", append(make([]byte, 4), box("iloc", iloc...)...)...), make([]byte, 100)...)
	}
	head := []byte{0, 0, 0, 0, 0x44, 0, 0, 1, 0, 1, 0, 0} // version 0, offsets and lengths of 4 bytes, an item
	extent := func(offset, length uint32) []byte {
		return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, offset), length)
	}
	for name, tc := range map[string]struct {
		iloc    []byte
		message string
	}{
		"within the file":  {slices.Concat(head, []byte{0, 1}, extent(50, 60)), ""},
		"beyond the file":  {slices.Concat(head, []byte{0, 1}, extent(50, 1000)), "ends early"},
		"of any size":      {slices.Concat(head, []byte{0, 1}, extent(1<<32-1, 1<<32-1)), "ends early"},
		"the same, often":  {slices.Concat(head, []byte{0, 9}, slices.Repeat(extent(0, 100), 9)), "its items overlap"},
		"fewer than said":  {slices.Concat(head, []byte{0, 9}, extent(0, 10)), "its list of items ends early"},
		"a list of nobody": {nil, "its list of items ends early"},
	} {
		err := checkItems(file(tc.iloc...), "HEIC")
		if tc.message == "" && err != nil || tc.message != "" && (err == nil || !strings.Contains(fault.Public(err), tc.message)) {
			t.Errorf("%s: %v, want %q", name, err, tc.message)
		}
	}
}

// TestSequences reads the parameter sets of files and judges them by the size of the picture that is to come out.
func TestSequences(t *testing.T) {
	t.Parallel()
	file := readFile(t, "testdata/golden/rgb-420.heic")
	at := bytes.Index(file, []byte("hvcC")) + 4
	units := sequencesOf(file[at:])
	if len(units) != 1 {
		t.Fatalf("%d parameter sets", len(units))
	}
	s, ok := readSequence(units[0])
	if !ok || s.width != 64 || s.height != 64 { // x265 codes no less
		t.Errorf("%+v, %v", s, ok)
	}
	for name, tc := range map[string]struct {
		change func(*sequence)
		fits   bool
	}{
		"as it is":           {func(*sequence) {}, true},
		"a little larger":    {func(s *sequence) { s.width = 128 }, true},
		"far wider":          {func(s *sequence) { s.width = 4096 }, false},
		"far more":           {func(s *sequence) { s.width, s.height = 8192, 8192 }, false},
		"of no height":       {func(s *sequence) { s.height = 0 }, false},
		"not in blocks":      {func(s *sequence) { s.width = 61 }, false},
		"blocks of 2^70":     {func(s *sequence) { s.ctb = 70 }, false},
		"transforms of 2^20": {func(s *sequence) { s.tb = 20 }, false},
	} {
		changed := s
		tc.change(&changed)
		if got := changed.fits(47, 39); got != tc.fits {
			t.Errorf("%s: %v", name, got)
		}
	}
	for n := range units[0][:16] {
		if _, ok := readSequence(units[0][:n]); ok {
			t.Errorf("the first %d bytes of a set were enough", n)
		}
	}
	if err := checkSequences(file, 47, 39); err != nil {
		t.Error(err)
	}
}

// TestColourProfiles finds the ICC profile, and the orientation that is left to do, in both containers.
func TestColourProfiles(t *testing.T) {
	t.Parallel()
	for file, turn := range map[string]orientation{"turned-5.avif": 5, "turned-6.heic": upright} {
		meta := decodeGolden(t, Default(), file).meta
		if len(meta.icc.data) < 128 || string(meta.icc.data[36:40]) != "acsp" {
			t.Errorf("%s: the ICC profile has %d bytes", file, len(meta.icc.data))
		}
		if meta.orientation != turn {
			t.Errorf("%s: the orientation is %d, want %d", file, meta.orientation, turn)
		}
	}
	if icc := decodeGolden(t, Default(), "grid.heic").meta.icc.data; icc != nil {
		t.Errorf("a file without a profile has one of %d bytes", len(icc))
	}
}

// TestLibrariesAreQuiet runs the bad files in a process of its own: no library may write to its standard error.
func TestLibrariesAreQuiet(t *testing.T) {
	t.Parallel()
	run := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestBadFiles$")
	var said bytes.Buffer
	run.Stderr = &said
	if err := run.Run(); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(said.String()) {
		if !strings.Contains(line, "GOCOVERDIR") {
			t.Errorf("a library said: %s", line)
		}
	}
}
