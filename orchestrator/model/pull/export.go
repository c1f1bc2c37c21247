package pull

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/model/catalogue"
)

// Exporter is the Python programs that make a model directory of weights.
type Exporter struct {
	Files        fs.FS
	Program      string // the one to start
	Requirements string // pip's list of the packages they need
}

// The precisions of an export.
const (
	FP32 = "fp32"
	FP16 = "fp16"
	INT8 = "int8"
)

// exporting is one run of the exporter.
type exporting struct {
	Exporter
	python string
	place  *place
	watch  *Watch
}

// write puts the programs where Python finds them, and where a person finds the requirements.
func (e *exporting) write() error {
	return fs.WalkDir(e.Files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := fs.ReadFile(e.Files, name)
		if err != nil {
			return err
		}
		return writeFile(e.place.path(programsFolder, name), text)
	})
}

// missing prints which of the packages that a requirements file names are not installed, as a JSON array. It imports
// nothing of theirs, so that it takes no time.
const missing = `
import json, re, sys
from importlib import metadata
gone = []
for line in open(sys.argv[1], encoding="utf-8"):
    name = re.match(r"[A-Za-z0-9][A-Za-z0-9._-]*", line.strip())
    if name:
        try:
            metadata.distribution(name.group())
        except metadata.PackageNotFoundError:
            gone.append(name.group())
print(json.dumps(gone))
`

// ready checks that Python runs and has the packages. Fault: Unavailable, which says what to run.
func (e *exporting) ready(ctx context.Context, again string) error {
	requirements := e.place.path(programsFolder, e.Requirements)
	var out, errOut bytes.Buffer
	cmd := e.command(ctx, "-c", missing, requirements)
	cmd.Stdout, cmd.Stderr = &out, &errOut
	err := cmd.Run()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if errors.Is(err, exec.ErrNotFound) || errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
		return fault.Unavailable("the weights are here and verified, but %s cannot be run, and exporting them needs Python: install it, or name it with --python or hub.python; then run %s again, which fetches nothing twice", e.python, again).Because(err)
	}
	var gone []string
	if err == nil {
		err = json.Unmarshal(out.Bytes(), &gone)
	}
	if err != nil {
		return fault.Unavailable("the weights are here and verified, but %s is not a Python that can export them: %s", e.python, lastLine(errOut.String())).Because(err)
	}
	if len(gone) > 0 {
		return fault.Unavailable("the weights are here and verified, but %s lacks what exporting them needs (%s). Run\n  %s -m pip install -r %s\nand then again\n  %s\nwhich fetches nothing twice",
			e.python, strings.Join(gone, ", "), e.python, quoted(requirements), again)
	}
	return nil
}

// run exports the first file of an origin, beside which the others lie, into the model's directory.
func (e *exporting) run(ctx context.Context, m catalogue.Model, origin catalogue.Origin, precision string) error {
	dir := e.place.path(modelFolder)
	if err := os.RemoveAll(dir); err != nil {
		return unwritable(dir, err)
	}
	args := []string{e.place.path(programsFolder, e.Program), "--weights", e.place.path(weightsFolder, origin.Files[0].Name), "--arch", cmp.Or(origin.Arch, m.Name), "--out", dir}
	if precision != "" {
		args = append(args, "--precision", precision)
	}
	e.watch.step("exporting " + m.Name)
	cmd := e.command(ctx, args...)
	said := &lines{note: e.watch.note}
	cmd.Stdout, cmd.Stderr = said, said
	err := cmd.Run()
	said.end()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err == nil && isThere(dir) {
		return nil
	}
	_ = os.RemoveAll(dir) // half a model; what cannot be removed lies in a hidden folder
	what := strings.TrimPrefix(lastLine(said.text()), "export: ")
	if err == nil {
		what = "the exporter wrote no card"
	}
	return fault.Unavailable("%s cannot be exported: %s. The weights are here and verified; the next pull exports them again", m.Name, strings.TrimRight(what, ".")).Because(err)
}

// command is a run of Python that ends with ctx: first asked to, then made to.
func (e *exporting) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, e.python, args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 5 * time.Second
	return cmd
}

// lines passes lines on as they come and keeps the last of them.
type lines struct {
	note func(string)

	mu   sync.Mutex
	rest []byte
	kept []string
}

const keptLines = 20

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rest = append(l.rest, p...)
	for {
		line, rest, ok := bytes.Cut(l.rest, []byte("\n"))
		if !ok {
			if len(l.rest) > bufio.MaxScanTokenSize { // a line without an end
				l.take(string(l.rest))
				l.rest = nil
			}
			return len(p), nil
		}
		l.take(string(line))
		l.rest = slices.Clone(rest)
	}
}

func (l *lines) take(line string) {
	line = strings.ToValidUTF8(strings.TrimRight(line, " \r"), "?")
	if line == "" {
		return
	}
	l.kept = append(l.kept, line)
	l.kept = l.kept[max(0, len(l.kept)-keptLines):]
	l.note(line)
}

func (l *lines) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.take(string(l.rest))
	l.rest = nil
}

func (l *lines) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.kept, "\n")
}

var _ io.Writer = (*lines)(nil)

// lastLine is where Python says what is wrong.
func lastLine(text string) string {
	all := strings.Split(strings.TrimSpace(text), "\n")
	if last := strings.TrimSpace(all[len(all)-1]); last != "" {
		return last
	}
	return "it did not say why"
}

// quoted writes a path as a shell takes it.
func quoted(path string) string {
	if !strings.ContainsAny(path, " \t'\"\\$&;()<>|*?[]#~`!") {
		return path
	}
	return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
}
