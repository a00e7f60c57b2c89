package server

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"sync"
	"time"
)

const (
	// databaseTimeout bounds one question to the database.
	databaseTimeout = 2 * time.Second
	// databaseLife is how long its answer is repeated: anybody may ask here.
	databaseLife = time.Second
)

// healthz says that the process is up, nothing more.
func (s *Server) healthz(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.Write([]byte("ok\n")) // the client may be gone
}

// readiness is the answer of /readyz.
type readiness struct {
	Ready    bool     `json:"ready"`
	Database string   `json:"database"`
	Gateways []string `json:"gateways"`
	// Sandbox says that cards of the sandbox gateway are taken; they move no
	// money.
	Sandbox bool   `json:"sandbox"`
	Note    string `json:"note,omitempty"`
}

// readyz says whether requests should be sent here.
func (s *Server) readyz(w http.ResponseWriter, r *http.Request) {
	a := readiness{Ready: s.ready.Load(), Database: "ok", Gateways: append([]string{}, s.options.Gateways...)}
	if slices.Contains(a.Gateways, "sandbox") {
		a.Sandbox, a.Note = true, "gateway sandbox is the sandbox: its cards move no money"
	}
	if err := s.checkDatabase(r.Context()); err != nil {
		a.Ready, a.Database = false, "does not answer"
		Note(r.Context(), "database", err.Error())
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	if !a.Ready {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	json.NewEncoder(w).Encode(a) // the client may be gone
}

// databaseCheck keeps the last answer of the database for a moment.
type databaseCheck struct {
	mu    sync.Mutex
	err   error
	until time.Time
}

func (s *Server) checkDatabase(ctx context.Context) error {
	if s.options.CheckDatabase == nil {
		return nil
	}
	c := &s.database
	c.mu.Lock()
	defer c.mu.Unlock()
	if s.options.now().Before(c.until) {
		return c.err
	}
	// Not cancelled with one asker: the answer is for all of them.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), databaseTimeout)
	defer cancel()
	c.err = s.options.CheckDatabase(ctx)
	c.until = s.options.now().Add(databaseLife)
	return c.err
}
