package table_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/source"
	"clipseek/orchestrator/source/sourcetest"
	"clipseek/orchestrator/source/table"
)

// folder has pictures a.jpg and sub/b.jpg and a table of this name.
func folder(t testing.TB, name string, content []byte) (path string) {
	t.Helper()
	dir := t.TempDir()
	for file, content := range map[string][]byte{"a.jpg": []byte("a"), "sub/b.jpg": []byte("bb"), name: content} {
		at := filepath.Join(dir, file)
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, name)
}

func open(t testing.TB, name, content string, options table.Options) *table.Table {
	t.Helper()
	rows, err := table.New(t.Context(), folder(t, name, []byte(content)), options)
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// list writes the items as lines, with the folder of the table left out.
func list(t testing.TB, rows *table.Table) (got []string) {
	t.Helper()
	dir := filepath.Dir(rows.Name()) + "/"
	for item, err := range rows.Items(t.Context(), "") {
		if err != nil {
			got = append(got, fmt.Sprintf("%s %s: %s", strings.TrimPrefix(item.Path, dir), fault.KindOf(err), strings.ReplaceAll(fault.Public(err), dir, "")))
			continue
		}
		text := strings.TrimPrefix(item.Path, dir) + " [" + item.Label + "]"
		if item.Key != item.Path {
			text += " key " + item.Key
		}
		for _, name := range slices.Sorted(keys(item.Fields)) {
			text += fmt.Sprintf(" %s=%T(%v)", name, item.Fields[name], item.Fields[name])
		}
		got = append(got, text)
	}
	return got
}

func keys(m map[string]any) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

func TestRows(t *testing.T) {
	t.Parallel()
	const invalid = " invalid: "
	for name, tc := range map[string]struct {
		file, content string
		options       table.Options
		want          []string
	}{
		"urls": {"t.csv", "url,title,stars:int,score:float,good:bool,label\nHTTP://X.example/A.jpg#b,One,5,0.5,TRUE,fruit\nhttps://y.example/,,,,,\n", table.Options{}, []string{
			"http://x.example/A.jpg [fruit] good=bool(true) score=float64(0.5) stars=int64(5) title=string(One)", "https://y.example/ [y.example]"}},
		"paths":      {"t.csv", "Path;name\na.jpg;1,5\nsub/b.jpg;\"x\"\"y\nz;\"\n./sub/../a.jpg;é\n", table.Options{}, []string{"a.jpg [DIR] name=string(1,5)", "sub/b.jpg [sub] name=string(x\"y\nz;)", "a.jpg [DIR] name=string(é)"}},
		"tabs":       {"t.tsv", "file\ta,b\r\na.jpg\t1\r\n\r\n", table.Options{}, []string{"a.jpg [DIR] a_b=string(1)"}},
		"mark, tabs": {"t.csv", "\xef\xbb\xbfname\turi\nx\ta.jpg", table.Options{}, []string{"a.jpg [DIR] name=string(x)"}},
		"separator":  {"t.csv", "path|a,b\na.jpg|1\n", table.Options{Separator: '|'}, []string{"a.jpg [DIR] a_b=string(1)"}},
		"column":     {"t.csv", "url,Where\nhttp://x/,a.jpg\n", table.Options{Column: "where"}, []string{"a.jpg [DIR] url=string(http://x/)"}},
		"key":        {"t.csv", "url,id\nhttp://x/,7\nhttp://y/,\n", table.Options{Key: "id"}, []string{"http://x/ [x] key 7 id_=string(7)", "t.csv:3" + invalid + `the row has nothing in the column "id", which is the key`}},
		"names": {"t.csv", "url,width,taken at,标题,2x,in,path,model,a.b\nhttp://x/,1,2,3,4,5,6,7,8\n", table.Options{}, []string{
			"http://x/ [x] _2x=string(4) a_b=string(8) in_=string(5) model_=string(7) path_=string(6) taken_at_=string(2) u6807u9898=string(3) width_=string(1)"}},
		"bad rows": {"t.csv", "url,n:int\nhttp://x/1\nhttp://x/2,b\nhttp://x/\xff,1\nhttp://x/3,\"1\" \nftp://x/4,1\n,1\n5\" wide,1\nhttp://x/6,\"open\nhttp://x/7,7\nhttp://x/8,8\nmissing.jpg,1\n../t.csv,2\n/etc/passwd,3\nsub,1\n", table.Options{}, []string{
			"t.csv:2" + invalid + "the row has 1 values and the header 2; a value with a separator in it needs quotes",
			"t.csv:3" + invalid + `the column "n" has "b" in this row, which is not a whole number`,
			"t.csv:4" + invalid + `the column "url" has a value in this row that is not UTF-8 text`,
			"t.csv:5" + invalid + `the row is not CSV: extraneous or missing " in quoted-field in column 14 of the text`,
			"t.csv:6" + invalid + `"ftp://" is a URL of another scheme; pictures come from http:// and https://`,
			"t.csv:7" + invalid + `the row has nothing in the column "url", which names the picture`,
			"t.csv:8" + invalid + `the row is not CSV: bare " in non-quoted-field in column 2 of the text`,
			"t.csv:9" + invalid + "a quote is opened in this row and not closed",
			"http://x/7 [x] n=int64(7)", "http://x/8 [x] n=int64(8)",
			"t.csv:12 not_found: missing.jpg is not there",
			"t.csv:13 forbidden: OUTSIDE", "t.csv:14 forbidden: OUTSIDE",
			"t.csv:15" + invalid + "sub is not a regular file"}},
		"objects": {"t.jsonl", `{"image_url": "http://x/1", "n": 3, "big": 18446744073709551616, "x": 3.0, "ok": false, "none": null, "tags": ["a", "b"], "empty": [], "label": "l"}` + "\n\n" +
			"[1]\nnull\n{\"image_url\": \"http://x/2\"} {}\n{\"image_url\": 5}\n{}\n{\"image_url\": \"http://x/3\", \"o\": {\"a\": 1}, \"mixed\": [\"a\", 1]}\n{\"image_url\": \"a\x00b\"}\n{\"image_url\": \"http://x/\xff\"}\n{\"image_url\": \"http://x/4\", \"a b\": 1, \"a-b\": 2}\n{\"image_url\": \"http://x/5\", \"n\": 1e999}\n{\"image_url\": \"http://x/6\", \"s\": \"\\u0000\"}\n",
			table.Options{}, []string{
				"http://x/1 [l] big=float64(1.8446744073709552e+19) empty=[]string([]) n=int64(3) ok=bool(false) tags=[]string([a b]) x=float64(3)",
				"t.jsonl:3" + invalid + "the line is not a JSON object", "t.jsonl:4" + invalid + "the line is not a JSON object",
				"t.jsonl:5" + invalid + "the line has something behind its JSON object",
				"t.jsonl:6" + invalid + `the column "image_url" has 5 in this row, not a text`,
				"t.jsonl:7" + invalid + `the row has nothing in the column "image_url", which names the picture`,
				"http://x/3 [x]",
				"t.jsonl:9" + invalid + "the line is not a JSON object",
				"t.jsonl:10" + invalid + "the line is not UTF-8 text",
				"t.jsonl:11" + invalid + `two columns of the row would be the field a_b, "a-b" is one of them; rename it`,
				"t.jsonl:12" + invalid + `"n" has 1e999 in this row, a number that is too large`,
				"t.jsonl:13" + invalid + "field s is not UTF-8 text without NUL",
			}},
		"no rows":          {"t.csv", "url,name\n", table.Options{}, nil},
		"no objects":       {"t.ndjson", "", table.Options{}, nil},
		"a long line":      {"t.jsonl", `{"url": "http://x/1"}` + "\n" + `{"url": "` + strings.Repeat("x", 1<<20) + "\"}\n" + `{"url": "http://x/2"}`, table.Options{}, []string{"http://x/1 [x]", "t.jsonl:2 too_large: the line has more than 1048576 bytes", "http://x/2 [x]"}},
		"a very long row":  {"t.csv", "url\nhttp://x/1\n\"http://x/2\n" + strings.Repeat(strings.Repeat("http://x/3", 10_000)+"\n", 12) + "http://x/4\n", table.Options{}, append([]string{"http://x/1 [x]", "t.csv:3" + invalid + "a quote is opened in this row and not closed"}, longRows()...)},
		"first line wrong": {"t.jsonl", "nonsense\n{\"url\": \"http://x/1\"}\n", table.Options{}, []string{"t.jsonl:1" + invalid + "the line is not a JSON object", "http://x/1 [x]"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rows := open(t, tc.file, tc.content, tc.options)
			got := list(t, rows)
			for i := range got {
				got[i] = strings.ReplaceAll(got[i], "["+filepath.Base(filepath.Dir(rows.Name()))+"]", "[DIR]")
				if before, _, ok := strings.Cut(got[i], "forbidden: "); ok && strings.Contains(got[i], "ingest.roots") {
					got[i] = before + "forbidden: OUTSIDE"
				}
			}
			if !slices.Equal(got, tc.want) {
				t.Errorf("rows\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tc.want, "\n"))
			}
			if len(tc.want) > 0 {
				sourcetest.RunListing(t, rows, len(tc.want))
			}
		})
	}
}

// longRows are what follows a quote that is never closed: lines that are each too long for a URL, and one that is not.
func longRows() (want []string) {
	for i := range 12 {
		want = append(want, fmt.Sprintf("t.csv:%d too_large: the URL has 100000 bytes; at most 8192 are taken", i+4))
	}
	return append(want, "http://x/4 [x]")
}

func TestHeads(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		file, content string
		options       table.Options
		says          string
	}{
		"no column":     {"t.csv", "a,b\n1,2\n", table.Options{}, `there are ["a" "b"]`},
		"named column":  {"t.jsonl", `{"a": 1}`, table.Options{Column: "c"}, `no column "c"; there are ["a"]`},
		"key":           {"t.csv", "url\n", table.Options{Key: "id"}, `no column "id" for the keys`},
		"empty":         {"t.csv", "\n\n", table.Options{}, "is empty"},
		"twice":         {"t.csv", "url,a,a\n", table.Options{}, `two columns are named "a"`},
		"one field":     {"t.csv", "url,a b,a.b\n", table.Options{}, "would both be the field a_b"},
		"UTF-16":        {"t.csv", "\xff\xfeu\x00r\x00l\x00", table.Options{}, "UTF-8"},
		"quote":         {"t.csv", "\"url\n1\n", table.Options{}, "not closed"},
		"all wrong":     {"t.jsonl", "x\ny\n", table.Options{}, "not a JSON object"},
		"no gzip":       {"t.csv.gz", "url\n", table.Options{}, "damaged"},
		"no Zstandard":  {"t.csv.zst", "url\n", table.Options{}, "damaged"},
		"no Parquet":    {"t.parquet", "PAR1 and so on", table.Options{}, "not Parquet"},
		"short Parquet": {"t.parquet", "PAR1", table.Options{}, "too short"},
		"footer":        {"t.parquet", "PAR1\xff\xff\xff\xffPAR1", table.Options{}, "damaged"},
		"no table":      {"t.txt", "url\n", table.Options{}, ".csv"},
	} {
		_, err := table.New(t.Context(), folder(t, tc.file, []byte(tc.content)), tc.options)
		if fault.KindOf(err) != fault.KindInvalid || !strings.Contains(fault.Public(err), tc.says) {
			t.Errorf("%s: %v, want %q", name, err, tc.says)
		}
	}
	if _, err := table.New(t.Context(), filepath.Join(t.TempDir(), "t.csv"), table.Options{}); fault.KindOf(err) != fault.KindNotFound {
		t.Error(err)
	}
	for path, want := range map[string]bool{"A.CSV": true, "x/t.jsonl.zst": true, "t.csv.gz": true, "t.parquet": true, "t.parquet.gz": false, "t.gz": false, "csv": false, "t.txt": false} {
		if table.Is(path) != want {
			t.Errorf("Is(%s) = %t", path, !want)
		}
	}
}

// TestLinks has a table name a picture through a link that leads out of its folder.
func TestLinks(t *testing.T) {
	t.Parallel()
	path := folder(t, "t.csv", []byte("path\nlink.jpg\nsub/b.jpg\n"))
	secret := filepath.Join(t.TempDir(), "secret.jpg")
	if err := os.WriteFile(secret, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(secret, filepath.Join(filepath.Dir(path), "link.jpg")); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		options table.Options
		refused bool
	}{
		"own folder": {table.Options{}, true},
		"a root":     {table.Options{Roots: []string{filepath.Dir(secret)}}, false},
		"anywhere":   {table.Options{AnyPath: true}, false},
	} {
		rows, err := table.New(t.Context(), path, tc.options)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for item, err := range rows.Items(t.Context(), "") {
			if n++; n == 1 && (fault.KindOf(err) == fault.KindForbidden) != tc.refused {
				t.Errorf("%s: %v", name, err)
			}
			if n == 2 {
				if file, err := rows.Open(t.Context(), item); err != nil {
					t.Errorf("%s: %v", name, err)
				} else {
					_ = file.Close()
				}
			}
		}
		if _, err := rows.Open(t.Context(), source.Item{Path: secret}); tc.refused != (err != nil) {
			t.Errorf("%s: open: %v", name, err)
		}
	}
}

func TestOpenFetches(t *testing.T) {
	t.Parallel()
	rows := open(t, "t.csv", "url\nhttp://x/\n", table.Options{Fetch: func(_ context.Context, url string) (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader(url)), nil
	}})
	file, err := rows.Open(t.Context(), source.Item{Path: "http://x/"})
	if err != nil {
		t.Fatal(err)
	}
	if b, _ := io.ReadAll(file); string(b) != "http://x/" {
		t.Errorf("%q", b)
	}
	if _, err := open(t, "t.csv", "url\n", table.Options{}).Open(t.Context(), source.Item{Path: "http://x/"}); fault.KindOf(err) != fault.KindForbidden {
		t.Error(err)
	}
}

func packed(t testing.TB, compression string, content []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	var w io.WriteCloser = gzip.NewWriter(&b)
	if compression == ".zst" {
		var err error
		if w, err = zstd.NewWriter(&b); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.Write(content); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestCompressed(t *testing.T) {
	t.Parallel()
	var text bytes.Buffer
	text.WriteString("url,n:int\n")
	for i := range 12_000 { // more than a block of Zstandard
		_, _ = fmt.Fprintf(&text, "http://x/%x,%d\n", i*i*2654435761, i)
	}
	for _, compression := range []string{".gz", ".zst"} {
		whole := packed(t, compression, text.Bytes())
		rows := open(t, "t.csv"+compression, string(whole), table.Options{})
		if got, plain := list(t, rows), list(t, open(t, "t.csv", text.String(), table.Options{})); !reflect.DeepEqual(got, plain) {
			t.Errorf("%s: %d rows differ from the %d plain ones", compression, len(got), len(plain))
		}
		sourcetest.RunListing(t, open(t, "t.csv"+compression, string(packed(t, compression, text.Bytes()[:300])), table.Options{}), 5)
		cut := open(t, "t.csv"+compression, string(whole[:len(whole)*3/4]), table.Options{})
		got := list(t, cut)
		if last := got[len(got)-1]; !strings.HasPrefix(last, "t.csv"+compression+" invalid: the table is damaged") {
			t.Errorf("%s: a table cut off ends with %s", compression, last)
		}
		last := ""
		for item := range cut.Items(t.Context(), "") {
			last = item.Place
		}
		for item, err := range cut.Items(t.Context(), last) {
			t.Errorf("%s: behind the damage come %+v, %v", compression, item, err)
		}
	}
}

func TestNotes(t *testing.T) {
	t.Parallel()
	var told []string
	rows := open(t, "t.jsonl", strings.Repeat(`{"url": "http://x/", "o": {}, "l": [1]}`+"\n", 5), table.Options{Note: func(text string) { told = append(told, text) }})
	if list(t, rows); len(told) != 2 || !strings.Contains(told[0]+told[1], `"o" is left out`) {
		t.Errorf("told %q", told)
	}
}

func FuzzCSV(f *testing.F) {
	f.Add("url,a\nhttp://x/,1\n\"http://x/\ny\",\"2\"\"\"\n\"\nb\n")
	f.Add("path;b:int;c:float\r\na.jpg;1;2\r\n;;\n")
	f.Add("\xef\xbb\xbfurl\n\"\"\"\n\"\"\"\n\"a\"b\n")
	f.Fuzz(func(t *testing.T, content string) { fuzz(t, "t.csv", content) })
}

func FuzzJSON(f *testing.F) {
	f.Add(`{"url": "http://x/", "a": 1, "b": [1, "x"], "c": ["y"], "d": {"e": null}}` + "\n[]\nnull\n{\"url\": 1}\n")
	f.Fuzz(func(t *testing.T, content string) { fuzz(t, "t.jsonl", content) })
}

// fuzz reads the first thousand rows of a table of any content: a fault or items, each of which can be gone on from.
func fuzz(t *testing.T, name, content string) {
	t.Helper()
	const most = 1000 // a few bytes can say that a value is there a billion times
	rows, err := table.New(t.Context(), folder(t, name, []byte(content)), table.Options{})
	if err != nil {
		if fault.KindOf(err) == fault.KindInternal {
			t.Fatal(err)
		}
		return
	}
	var places []string
	for item, err := range rows.Items(t.Context(), "") {
		if item.Path == "" || item.Place == "" || err != nil && fault.KindOf(err) == fault.KindInternal {
			t.Fatalf("%+v, %v", item, err)
		}
		if places = append(places, item.Place); len(places) == most {
			return
		}
	}
	for i := 0; i < len(places); i += 1 + len(places)/3 {
		var rest []string
		for item := range rows.Items(t.Context(), places[i]) {
			rest = append(rest, item.Place)
		}
		if len(rest) != len(places)-i-1 {
			t.Fatalf("after %q come %d items, want %d", places[i], len(rest), len(places)-i-1)
		}
	}
}
