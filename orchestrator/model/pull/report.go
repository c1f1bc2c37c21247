package pull

import "fmt"

// Who says which SHA-256 a file must have.
const (
	Catalogue = "catalogue"
	Hub       = "hub"    // it said so when it was asked for the file
	Nobody    = "nobody" // the file was taken as it came
)

// Report is what a pull did.
type Report struct {
	Model      string    `json:"model"`
	Directory  string    `json:"directory"`
	State      string    `json:"state"` // Pulled or Here
	Kind       string    `json:"kind,omitempty"`
	From       string    `json:"from,omitempty"`
	Licence    string    `json:"licence"`
	Files      []Fetched `json:"files"`
	Downloaded int64     `json:"downloaded_bytes"` // by this run
	Seconds    float64   `json:"seconds"`
}

// Fetched is a file that was fetched, by this run or an earlier one.
type Fetched struct {
	Name       string `json:"name"`
	Bytes      int64  `json:"bytes"`
	SHA256     string `json:"sha256"`
	VerifiedBy string `json:"verified_by"` // Catalogue, Hub or Nobody
}

// The states of a Report.
const (
	Pulled = "pulled"
	Here   = "already here"
)

func (r Report) alreadyHere() Report {
	r.State, r.Kind, r.From = Here, "", ""
	return r
}

// Size writes bytes for people: 1.7 GB.
func Size(bytes int64) string {
	const units = "kMGT"
	if bytes < 1000 {
		return fmt.Sprintf("%d B", bytes)
	}
	value, unit := float64(bytes)/1000, 0
	for value >= 999.95 && unit < len(units)-1 {
		value, unit = value/1000, unit+1
	}
	if value < 10 {
		return fmt.Sprintf("%.1f %cB", value, units[unit])
	}
	return fmt.Sprintf("%.0f %cB", value, units[unit])
}
