package archive

// StreamsBegun is how often Open began to read the compressed tar from its beginning.
func StreamsBegun(a *Archive) int64 { return a.kept.begun }
