package imageprep

// MaxBytes is the size of the largest file that Decode takes.
func (d *Decoder) MaxBytes() int64 { return d.cfg.MaxBytes }

// CheckBytes refuses a file of n bytes, TooLarge, where Decode would: before it is read.
func (d *Decoder) CheckBytes(n int64) error { return d.cfg.checkBytes(n) }
