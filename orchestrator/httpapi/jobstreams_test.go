package httpapi_test

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"clipseek/orchestrator/app"
	"clipseek/orchestrator/httpapi"
	"clipseek/orchestrator/jobs"
)

// events reads a stream of events to its end.
func (c client) events(id string) []httpapi.Job {
	c.t.Helper()
	request, err := http.NewRequestWithContext(c.t.Context(), http.MethodGet, c.base+"/v1/jobs/"+id+"/events", nil)
	if err != nil {
		c.t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(request)
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != "text/event-stream" {
		c.t.Fatalf("events: %s, %s", resp.Status, resp.Header.Get("Content-Type"))
	}
	var all []httpapi.Job
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() {
		data, ok := strings.CutPrefix(lines.Text(), "data: ")
		if !ok {
			continue
		}
		var job httpapi.Job
		if err := json.Unmarshal([]byte(data), &job); err != nil {
			c.t.Fatal(err)
		}
		all = append(all, job)
	}
	if err := lines.Err(); err != nil {
		c.t.Error(err)
	}
	return all
}

func TestJobStreams(t *testing.T) {
	t.Parallel()
	root := photos(t)
	broken := filepath.Join(root, "leaf", `bro,"ken.jpg`)
	if err := os.WriteFile(broken, []byte("words"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := serve(t, "", func(cfg *app.Config) { cfg.Ingest.Roots = []string{root} })
	var job httpapi.Job
	c.call(http.MethodPost, collection+"/ingest", map[string]string{"path": root}, http.StatusAccepted, &job)
	all := c.events(job.ID)
	if len(all) == 0 || all[len(all)-1].State != "done" {
		t.Fatalf("events = %+v", all)
	}
	last := all[len(all)-1]
	if last.Failed != 1 || last.Ended == nil || !last.Listed || last.Stages.Encode <= 0 {
		t.Errorf("the last event is %+v", last)
	}

	_, text := c.send(http.MethodGet, "/v1/jobs/"+job.ID+"/failures", "", nil)
	var failure jobs.Failure
	if err := json.Unmarshal(text, &failure); err != nil || failure.Path != broken || failure.Kind != "invalid" {
		t.Errorf("the ledger is %s, %v", text, err)
	}
	for name, ask := range map[string][]string{"by format": {"?format=csv"}, "by header": {"", "Accept", "text/csv"}} {
		resp, text := c.send(http.MethodGet, "/v1/jobs/"+job.ID+"/failures"+ask[0], "", nil, ask[1:]...)
		rows, err := csv.NewReader(strings.NewReader(string(text))).ReadAll()
		if err != nil || len(rows) != 2 || rows[0][0] != "path" || rows[1][0] != broken || !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/csv") {
			t.Errorf("%s: %q, %v", name, rows, err)
		}
	}

	if err := os.Remove(broken); err != nil {
		t.Fatal(err)
	}
	c.call(http.MethodPost, "/v1/jobs/"+job.ID+"/pause", nil, http.StatusConflict, nil)
	c.call(http.MethodPost, "/v1/jobs/"+job.ID+"/resume", nil, http.StatusConflict, nil)
	c.call(http.MethodPost, "/v1/jobs/"+job.ID+"/retry", nil, http.StatusOK, &job)
	if again := c.wait(job.ID); again.State != "done" || again.Failed != 1 || again.Failures[0].Kind != "not_found" {
		t.Errorf("after a retry: %+v", again)
	}
	for _, path := range []string{"/events", "/failures"} {
		c.call(http.MethodGet, "/v1/jobs/x"+path, nil, http.StatusNotFound, nil)
	}
}
