package imageprep

import "time"

// Times is how long the stages of a preparation took.
type Times struct {
	Decode    time.Duration
	Resize    time.Duration // both passes, of which only the part that the crop keeps is computed
	Convert   time.Duration // to RGB, and whatever a mode needs besides
	Normalize time.Duration
	Thumbnail time.Duration // filtering and encoding it
}

// stopwatch adds up the time of stages.
type stopwatch struct {
	times Times
	last  time.Time
	timed bool // count the time of rows that are filtered as they are decoded: of some of them, for all
}

func (s *stopwatch) start() { s.times, s.last = Times{}, time.Now() }

// lap adds the time since the last call to a stage.
func (s *stopwatch) lap(stage *time.Duration) {
	now := time.Now()
	*stage += now.Sub(s.last)
	s.last = now
}

// TimedTensor is Tensor and tells how long its stages took.
func (p *Picture) TimedTensor(spec Spec, dst []float32) (Times, error) {
	p.timed = true
	defer func() { p.timed = false }()
	err := p.Tensor(spec, dst)
	return p.times, err
}

// TimedPixels is Pixels and tells how long its stages took.
func (p *Picture) TimedPixels(spec Spec, dst []byte) (Times, error) {
	p.timed = true
	defer func() { p.timed = false }()
	err := p.Pixels(spec, dst)
	return p.times, err
}
