package server

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

func TestHealth(t *testing.T) {
	f := newFixture(t, nil)
	expect(t, f.do(get("/healthz", "192.0.2.7")), 200, "ok\n")
}

func TestReadiness(t *testing.T) {
	c := newClock()
	var down error
	asked := 0
	f := newFixture(t, func(o *Options) {
		o.now = c.now
		o.Gateways = []string{"stripe", "sandbox"}
		o.CheckDatabase = func(ctx context.Context) error {
			if _, ok := ctx.Deadline(); !ok {
				t.Error("asked without a time limit")
			}
			asked++
			return down
		}
	})
	ask := func(status int, body string) {
		t.Helper()
		w := f.do(get("/readyz", "192.0.2.7"))
		expect(t, w, status, body+"\n")
		if ct := w.Header().Get("Content-Type"); ct != "application/json" {
			t.Error(ct)
		}
	}
	const note = `"sandbox":true,"note":"gateway sandbox is the sandbox: its cards move no money"}`
	ask(503, `{"ready":false,"database":"ok","gateways":["stripe","sandbox"],`+note)
	f.SetReady(true)
	ask(200, `{"ready":true,"database":"ok","gateways":["stripe","sandbox"],`+note)
	if asked != 1 {
		t.Errorf("the database was asked %d times in a moment", asked)
	}
	down = errors.New("inner detail")
	c.advance(databaseLife)
	ask(503, `{"ready":false,"database":"does not answer","gateways":["stripe","sandbox"],`+note)
	if !strings.Contains(f.log.String(), "inner detail") {
		t.Error("the cause is not in the log")
	}
	down = nil
	c.advance(databaseLife)
	ask(200, "{\"ready\":true,\"database\":\"ok\",\"gateways\":[\"stripe\",\"sandbox\"],"+note)
	f.SetReady(false)
	c.advance(time.Hour)
	ask(503, `{"ready":false,"database":"ok","gateways":["stripe","sandbox"],`+note)
}

func TestReadinessWithoutSandbox(t *testing.T) {
	f := newFixture(t, func(o *Options) { o.Gateways = []string{"stripe"} })
	f.SetReady(true)
	expect(t, f.do(get("/readyz", "192.0.2.7")), 200, `{"ready":true,"database":"ok","gateways":["stripe"],"sandbox":false}`+"\n")
	f = newFixture(t, nil)
	expect(t, f.do(get("/readyz", "192.0.2.7")), 503, `{"ready":false,"database":"ok","gateways":[],"sandbox":false}`+"\n")
}
