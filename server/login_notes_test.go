package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// notebook is a sink that tests read.
type notebook struct {
	mu    sync.Mutex
	notes []LoginNote
	calls int
	fail  error
	block chan struct{}
}

func (n *notebook) keep(_ context.Context, notes []LoginNote) error {
	if n.block != nil {
		<-n.block
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.calls++
	if n.fail == nil {
		n.notes = append(n.notes, notes...)
	}
	return n.fail
}

// noted is a fixture in a bubble of fake time whose notes are written, until stop.
func noted(t *testing.T, book *notebook, change func(*noting)) (f *fixture, stop func()) {
	limits := defaultNoting
	if change != nil {
		change(&limits)
	}
	f = newFixture(t, func(o *Options) { o.LoginNotes, o.noting = book.keep, &limits })
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		f.notes.run(quit)
		close(done)
	}()
	return f, sync.OnceFunc(func() {
		close(quit)
		<-done
	})
}

func (n *notebook) want(t *testing.T, what string, want ...LoginNote) {
	t.Helper()
	synctest.Wait()
	n.mu.Lock()
	defer n.mu.Unlock()
	if !slices.Equal(n.notes, want) {
		t.Errorf("%s: got %+v, want %+v", what, n.notes, want)
	}
	n.notes = nil
}

func TestLoginNotesOfSuccesses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		book := &notebook{}
		f, stop := noted(t, book, nil)
		defer stop()
		call := func(user, address string) {
			t.Helper()
			expect(t, f.do(from(sign(t, f, post("<x/>"), user, password), address)), 200, "")
		}
		for range 50 {
			call("acme", "192.0.2.7")
		}
		book.want(t, "the first of many", LoginNote{Name: "acme", Address: "192.0.2.7", API: "xmlrpc"})
		call("acme", "2001:db8::1")
		call("acme", "2001:db8::2") // the same /64
		call("admin", "192.0.2.7")
		book.want(t, "another address, another login", LoginNote{Name: "acme", Address: "2001:db8::1", API: "xmlrpc"},
			LoginNote{Name: "admin", Address: "192.0.2.7", API: "xmlrpc"})
		for range 4 { // two hours, never an hour away
			time.Sleep(30 * time.Minute)
			call("acme", "192.0.2.7")
		}
		book.want(t, "one that stays")
		time.Sleep(time.Hour)
		r := get("/pages", "192.0.2.7")
		r.SetBasicAuth("acme", password)
		expect(t, f.do(r), 200, "")
		call("acme", "192.0.2.7")
		book.want(t, "one that comes back", LoginNote{Name: "acme", Address: "192.0.2.7", API: "http"})
	})
}

func TestLoginNotesOfRefusals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		book := &notebook{}
		f, stop := noted(t, book, nil)
		defer stop()
		try := func(times int, user string) {
			t.Helper()
			for range times {
				expect(t, f.do(sign(t, f, post("<x/>"), user, "wrong")), 401, "")
				synctest.Wait()
			}
		}
		known := func(n int64) LoginNote {
			return LoginNote{Name: "acme", Address: "192.0.2.7", API: "xmlrpc", Failures: n}
		}
		try(1, "acme")
		book.want(t, "the first at once", known(1))
		try(9, "acme")
		book.want(t, "the others not within the minute")
		time.Sleep(2 * time.Minute)
		book.want(t, "but after it, without another", known(9))
		time.Sleep(time.Hour)
		book.want(t, "nothing new")
		// What was typed as a name may be a password: none is told, and they are one note.
		for i := range 10 {
			try(1, fmt.Sprintf("very-secret-word-%d", i))
		}
		book.want(t, "names of nobody", LoginNote{Address: "192.0.2.7", API: "xmlrpc", Failures: 1})
		try(1, "acme")
		book.want(t, "beside a name", known(1))
		try(2, "acme")
		stop()
		synctest.Wait()
		slices.SortFunc(book.notes, func(a, b LoginNote) int { return int(b.Failures - a.Failures) })
		book.want(t, "a stop leaves nothing out", LoginNote{Address: "192.0.2.7", API: "xmlrpc", Failures: 9}, known(2))
	})
}

// However many addresses an attacker has, the database is not filled, and nothing
// that was refused goes uncounted.
func TestLoginNotesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		book := &notebook{}
		f, stop := noted(t, book, func(n *noting) { n.keys = 500 })
		const attackers, hours = 3000, 3
		for hour := range hours {
			for i := range attackers {
				r := from(sign(t, f, post("<x/>"), "acme", "wrong"), fmt.Sprintf("10.%d.%d.%d", hour, i/250, i%250+1))
				expect(t, f.do(r), 401, "")
				synctest.Wait()
			}
			time.Sleep(time.Hour)
		}
		if n := len(f.notes.seen); n != 0 {
			t.Errorf("%d places of nobody", n)
		}
		stop()
		var told int64
		for _, n := range book.notes {
			told += n.Failures
		}
		if told != hours*attackers {
			t.Errorf("%d refusals were told of %d", told, hours*attackers)
		}
		// Each hour a burst, the budget of a minute or two, and as many notes of the rest.
		if most := hours * (100 + 2*11); len(book.notes) > most || len(book.notes) < hours*100 {
			t.Errorf("%d notes, at most %d", len(book.notes), most)
		}
		f, stop = noted(t, book, func(n *noting) { n.keys = 500 })
		defer stop()
		for i := range 1200 {
			f.do(from(sign(t, f, post("<x/>"), "acme", password), fmt.Sprintf("10.0.%d.%d", i/250, i%250+1)))
		}
		if n := len(f.notes.seen); n > 500 {
			t.Errorf("%d places are remembered", n)
		}
	})
}

// A database that does not answer holds no request up; what could not be noted is
// counted, and a login is noted the next time.
func TestLoginNotesNeverWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		book := &notebook{block: make(chan struct{})}
		f, stop := noted(t, book, func(n *noting) { n.queue = 1 })
		try := func(address string) {
			t.Helper()
			expect(t, f.do(from(sign(t, f, post("<x/>"), "acme", password), address)), 200, "")
			synctest.Wait()
		}
		began := time.Now()
		for i := range 5 { // one is being written, one waits, three are dropped
			try(fmt.Sprintf("192.0.2.%d", i+1))
		}
		if took := time.Since(began); took > 0 {
			t.Errorf("requests waited %s", took)
		}
		if n := droppedNotes(t, f); n != 3 {
			t.Errorf("%v dropped", n)
		}
		close(book.block)
		synctest.Wait()
		try("192.0.2.5")
		book.want(t, "written later, and the dropped one at its next request", LoginNote{Name: "acme", Address: "192.0.2.1", API: "xmlrpc"},
			LoginNote{Name: "acme", Address: "192.0.2.2", API: "xmlrpc"}, LoginNote{Name: "acme", Address: "192.0.2.5", API: "xmlrpc"})
		book.mu.Lock()
		book.fail = errors.New("disk full")
		book.mu.Unlock()
		try("192.0.2.9")
		stop()
		if n := droppedNotes(t, f); n != 4 {
			t.Errorf("%v dropped", n)
		}
		if got := lines(t, f.log.String()); !slices.ContainsFunc(got, func(l map[string]any) bool { return l["error"] == "disk full" }) {
			t.Error("the failure is not in the log")
		}
	})
}

func droppedNotes(t *testing.T, f *fixture) float64 {
	t.Helper()
	families, err := f.metrics.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() == "topupd_login_notes_dropped_total" {
			return family.Metric[0].GetCounter().GetValue()
		}
	}
	t.Fatal("there is no such metric")
	return 0
}

// A served request is noted, at the latest when the server stops.
func TestServeNotesLogins(t *testing.T) {
	book := &notebook{}
	f := newFixture(t, func(o *Options) { o.Listen, o.LoginNotes = "127.0.0.1:0", book.keep })
	stop := f.run(t)
	r, err := http.NewRequest("GET", "http://"+f.Addr().String()+"/pages", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Forwarded-For", "192.0.2.1") // else it is from this machine
	r.SetBasicAuth("acme", password)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	stop()
	book.mu.Lock()
	defer book.mu.Unlock()
	if want := []LoginNote{{Name: "acme", Address: "127.0.0.1", API: "http"}}; !slices.Equal(book.notes, want) {
		t.Errorf("got %+v, want %+v", book.notes, want)
	}
}
