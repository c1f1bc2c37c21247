package triton

// Regions names the shared memory that an encoder has set aside.
func Regions(e *Encoder) []string {
	var all []string
	for _, ep := range e.roster.all {
		for _, r := range ep.shared.free {
			all = append(all, r.name)
		}
	}
	return all
}
