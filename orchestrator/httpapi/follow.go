package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"clipseek/orchestrator/follow"
)

// Followed is how following one folder stands.
type Followed struct {
	Folder     string      `json:"folder"`
	Collection string      `json:"collection"`
	State      string      `json:"state" enum:"waiting,scanning,watching"`
	Reason     string      `json:"reason,omitempty" doc:"what is waited for"`
	Warning    string      `json:"warning,omitempty" doc:"why changes are found by scans alone, where they are"`
	Changes    int         `json:"changes" doc:"files that have changed and are not yet indexed"`
	Scanned    *time.Time  `json:"scanned_at,omitempty" doc:"the end of the last scan of the whole folder"`
	Pictures   int64       `json:"pictures" doc:"that it found"`
	Indexed    int64       `json:"indexed" doc:"since the service began"`
	Removed    int64       `json:"removed" doc:"since the service began"`
	Failed     int64       `json:"failed" doc:"since the service began; each version of a file counts once"`
	Failing    int         `json:"failing" doc:"files in the folder that cannot be indexed as they are"`
	Failures   []Unindexed `json:"failures" nullable:"false" doc:"the last hundred of them, newest first"`
}

// Unindexed is a file that cannot be indexed as it is.
type Unindexed struct {
	Path   string `json:"path"`
	Kind   string `json:"kind"`
	Reason string `json:"reason"`
}

func newFollowed(s follow.Status) Followed {
	out := Followed{
		Folder: s.Folder, Collection: s.Collection, State: string(s.State), Reason: s.Reason, Warning: s.Warning, Changes: s.Changes,
		Pictures: s.Pictures, Indexed: s.Counts.Indexed, Removed: s.Counts.Removed, Failed: s.Counts.Failed,
		Failing: s.Failing, Failures: []Unindexed{},
	}
	for _, f := range s.Failures {
		out.Failures = append(out.Failures, Unindexed(f))
	}
	if !s.Scanned.IsZero() {
		at := s.Scanned.UTC()
		out.Scanned = &at
	}
	return out
}

type followOutput struct {
	Body struct {
		Folders []Followed `json:"folders" nullable:"false"`
	}
}

func (s *Server) followRoutes(api huma.API) {
	register(s, api, operation("service", http.MethodGet, "/v1/follow", "get-follow", "List followed folders", "How following each folder of the configuration (follow.folders) stands."),
		func(context.Context, *struct{}) (*followOutput, error) {
			out := &followOutput{}
			out.Body.Folders = []Followed{}
			if s.deps.Follower == nil {
				return out, nil
			}
			for _, status := range s.deps.Follower.Status() {
				out.Body.Folders = append(out.Body.Folders, newFollowed(status))
			}
			return out, nil
		})
}
