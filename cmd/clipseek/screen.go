package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/mattn/go-isatty"
)

// screen shows progress on standard error: one line that rewrites itself on a terminal, a line now and then elsewhere.
type screen struct {
	p        *program
	terminal bool
	every    time.Duration

	mu    sync.Mutex
	shown bool // the progress line is on the terminal
}

func (p *program) newScreen() *screen {
	s := &screen{p: p, every: 10 * time.Second}
	if file, ok := p.err.(*os.File); ok && isatty.IsTerminal(file.Fd()) {
		s.terminal, s.every = true, 200*time.Millisecond
	}
	return s
}

const eraseLine = "\r\x1b[K"

// line prints a line that stays. Nobody can be told that standard error does not take it.
func (s *screen) line(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.shown {
		text = eraseLine + text
		s.shown = false
	}
	_, _ = fmt.Fprintln(s.p.err, text)
}

// progress shows how far something is, which is true for a moment.
func (s *screen) progress(text string) {
	if !s.terminal {
		s.line(text)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shown = true
	_, _ = fmt.Fprint(s.p.err, eraseLine+text)
}

// during shows progress while work runs.
func (s *screen) during(work func() error, progress func() string) error {
	done := make(chan error, 1)
	go func() { done <- work() }()
	ticker := time.NewTicker(s.every)
	defer ticker.Stop()
	for {
		select {
		case err := <-done:
			return err
		case <-ticker.C:
			s.progress(progress())
		}
	}
}

// clear takes the progress line away.
func (s *screen) clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.shown {
		_, _ = fmt.Fprint(s.p.err, eraseLine)
		s.shown = false
	}
}

// visible writes what is in a file's name and would break a line or steer the terminal as Go does: a newline as \n, a byte
// that is no UTF-8 as \xe9. Other text stays as it is.
func visible(text string) string {
	hidden := func(r rune) bool { return unicode.In(r, unicode.Cc, unicode.Zl, unicode.Zp, unicode.Bidi_Control) }
	if utf8.ValidString(text) && !strings.ContainsFunc(text, hidden) {
		return text
	}
	var out strings.Builder
	for i, r := range text {
		switch _, size := utf8.DecodeRuneInString(text[i:]); {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&out, `\x%02x`, text[i])
		case hidden(r):
			out.WriteString(strings.Trim(strconv.QuoteRuneToASCII(r), "'"))
		default:
			out.WriteRune(r)
		}
	}
	return out.String()
}
