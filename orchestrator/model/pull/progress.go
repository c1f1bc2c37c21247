package pull

import (
	"sync"
	"time"
)

// Watch tells how far a pull is. The zero value is ready; it is safe for concurrent use.
type Watch struct {
	// Note is called with a line for people, such as that a server is asked again. It must not block. Nil drops them.
	Note func(line string)

	mu  sync.Mutex
	now Progress
	at  time.Time // of the last sample
	was int64     // bytes there at that time
}

// Progress is how far a pull is at one moment.
type Progress struct {
	Step  string  // what is being done, for people
	Bytes bool    // it is the fetching of bytes
	Done  int64   // bytes of all files that are here
	Total int64   // bytes of all files; 0 is not known
	Rate  float64 // bytes a second, of the last seconds
}

// Now is how far the pull is. It measures the rate, so one asker at a time gets a useful one.
func (w *Watch) Now() Progress {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	if elapsed := now.Sub(w.at).Seconds(); !w.at.IsZero() && elapsed > 0.05 {
		rate := max(0, float64(w.now.Done-w.was)/elapsed)
		if w.now.Rate == 0 {
			w.now.Rate = rate
		}
		w.now.Rate += (rate - w.now.Rate) * 0.3 // smooth over a few samples
		w.at, w.was = now, w.now.Done
	} else if w.at.IsZero() {
		w.at, w.was = now, w.now.Done
	}
	return w.now
}

func (w *Watch) step(text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now.Step, w.now.Bytes = text, false
}

func (w *Watch) fetching(file string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now.Step, w.now.Bytes = file, true
}

func (w *Watch) total(bytes int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now.Total = bytes
}

func (w *Watch) add(bytes int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now.Done += bytes
}

func (w *Watch) note(line string) {
	if w.Note != nil {
		w.Note(line)
	}
}
