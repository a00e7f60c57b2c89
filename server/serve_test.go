package server

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestGracefulStop(t *testing.T) {
	f := newFixture(t, func(o *Options) { o.Listen = "127.0.0.1:0" })
	began, finish := make(chan struct{}), make(chan struct{})
	f.Mount("/slow", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(began)
		<-finish
		io.WriteString(w, "finished")
	}), Open)
	f.SetReady(true)
	stop := f.run(t)
	url := "http://" + f.Addr().String()
	var wg sync.WaitGroup
	wg.Go(func() {
		resp, err := http.Get(url + "/slow")
		if err != nil {
			t.Error(err)
			return
		}
		defer resp.Body.Close()
		if body, err := io.ReadAll(resp.Body); string(body) != "finished" || err != nil {
			t.Errorf("%q %v", body, err)
		}
	})
	<-began
	if n := f.InFlight(); n != 1 {
		t.Errorf("%d in flight", n)
	}
	stopped := make(chan struct{})
	wg.Go(func() { stop(); close(stopped) })
	for accepts(f.Addr().String()) {
		time.Sleep(time.Millisecond)
	}
	expect(t, f.do(get("/readyz", "192.0.2.7")), 503, "")
	select {
	case <-stopped:
		t.Error("stopped before the request was finished")
	default:
	}
	close(finish)
	wg.Wait()
}

func accepts(address string) bool {
	conn, err := net.Dial("tcp", address)
	if err == nil {
		conn.Close()
	}
	return err == nil
}

func TestStopHasALimit(t *testing.T) {
	f := newFixture(t, func(o *Options) { o.Listen = "127.0.0.1:0" })
	began := make(chan struct{})
	f.Mount("/hangs", http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(began)
		<-r.Context().Done()
	}), Open)
	if err := f.Listen(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	short := defaultTimeouts
	short.stop = 50 * time.Millisecond
	ended := make(chan error, 1)
	go func() { ended <- f.serve(ctx, short) }()
	var wg sync.WaitGroup
	wg.Go(func() {
		if resp, err := http.Get("http://" + f.Addr().String() + "/hangs"); err == nil {
			resp.Body.Close()
			t.Error("an answer came")
		}
	})
	<-began
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	wg.Wait()
	if !strings.Contains(f.log.String(), `"in_flight":1`) {
		t.Error(f.log)
	}
}

// A stop ends the wait of a failed login at once.
func TestStopEndsWaits(t *testing.T) {
	slow := quick
	slow.pause, slow.longest = time.Minute, time.Minute
	f := newFixture(t, func(o *Options) { o.Listen, o.slowness = "127.0.0.1:0", &slow })
	stop := f.run(t)
	done := make(chan int, 1)
	r := sign(t, f, httptest.NewRequest("POST", "/xmlapi/xmlapi", nil), "acme", "wrong")
	go func() {
		out, _ := http.NewRequest("POST", "http://"+f.Addr().String()+"/xmlapi/xmlapi", strings.NewReader("<x/>"))
		out.Header = r.Header
		resp, err := http.DefaultClient.Do(out)
		if err != nil {
			done <- 0
			return
		}
		resp.Body.Close()
		done <- resp.StatusCode
	}()
	for f.slow.waiters.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	start := time.Now()
	stop()
	if status := <-done; status != 401 || time.Since(start) > 5*time.Second {
		t.Errorf("status %d after %v", status, time.Since(start))
	}
}

func TestSlowClientsAreCut(t *testing.T) {
	f := newFixture(t, func(o *Options) { o.Listen = "127.0.0.1:0" })
	if err := f.Listen(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	short := defaultTimeouts
	short.header = 50 * time.Millisecond
	ended := make(chan error, 1)
	go func() { ended <- f.serve(ctx, short) }()
	conn, err := net.Dial("tcp", f.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, "POST /open HTTP/1.1\r\nHost: x\r\n")
	conn.SetDeadline(time.Now().Add(5 * time.Second))
	if b, err := io.ReadAll(conn); err != nil {
		t.Errorf("%q %v", b, err)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestLargeHeadIsRefused(t *testing.T) {
	f := newFixture(t, func(o *Options) { o.Listen = "127.0.0.1:0" })
	defer f.run(t)()
	r, _ := http.NewRequest("GET", "http://"+f.Addr().String()+"/open", nil)
	r.Header.Set("X-Large", strings.Repeat("x", 2*maxHeaderBytes))
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Error(resp.Status)
	}
}

// Both legs, and further calls with a rising count, over one connection.
func TestKeptAliveConnection(t *testing.T) {
	f := newFixture(t, nil)
	srv := f.start(t)
	conn, err := net.Dial("tcp", srv.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	in := bufio.NewReader(conn)
	send := func(r *http.Request, body string) (*http.Response, string) {
		t.Helper()
		r.Body, r.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
		if err := r.Write(conn); err != nil {
			t.Fatal(err)
		}
		resp, err := http.ReadResponse(in, r)
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(resp.Body)
		if err != nil || resp.Close {
			t.Fatalf("the connection does not go on: %v", err)
		}
		return resp, string(b)
	}
	request := func() *http.Request { return httptest.NewRequest("POST", "/xmlapi/xmlapi", nil) }
	challenge, _ := send(request(), strings.Repeat("x", 100_000))
	if challenge.StatusCode != 401 {
		t.Fatal(challenge.Status)
	}
	for n := 1; n <= 3; n++ {
		if resp, body := send(answer(t, challenge, request(), "acme", password, n), "<x/>"); resp.StatusCode != 200 || body != "acme,127.0.0.1,xmlrpc,body" {
			t.Errorf("call %d: %s %q", n, resp.Status, body)
		}
	}
	if resp, _ := send(answer(t, challenge, request(), "acme", "wrong", 4), "<x/>"); resp.StatusCode != 401 {
		t.Error(resp.Status)
	}
	if resp, body := send(answer(t, challenge, request(), "acme", password, 5), ""); resp.StatusCode != 200 {
		t.Errorf("%s %q", resp.Status, body)
	}
}

// A client that sends all of a large body before it reads must find the 401
// behind it, not a reset connection. 3 MB are more than all socket buffers and
// than the 256 kB that net/http itself drains.
func TestLargeBodyIsDrainedOn401(t *testing.T) {
	f := newFixture(t, nil)
	srv := f.start(t)
	for _, body := range []int{0, 3 << 20} {
		conn, err := net.Dial("tcp", srv.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		conn.SetDeadline(time.Now().Add(20 * time.Second))
		for range 2 { // and the connection is still good
			fmt.Fprintf(conn, "POST /xmlapi/xmlapi HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", body)
			if _, err := conn.Write(make([]byte, body)); err != nil {
				t.Fatalf("%d bytes: %v", body, err)
			}
			resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Fatalf("%d bytes: %v", body, err)
			}
			io.Copy(io.Discard, resp.Body)
			if resp.StatusCode != 401 || resp.Close {
				t.Errorf("%d bytes: %s, close %v", body, resp.Status, resp.Close)
			}
		}
		conn.Close()
	}
}

func TestFiftyParallelCallsOnOneNonce(t *testing.T) {
	f := newFixture(t, nil)
	srv := f.start(t)
	first, err := srv.Client().Post(srv.URL+"/xmlapi/xmlapi", "text/xml", nil)
	if err != nil {
		t.Fatal(err)
	}
	first.Body.Close()
	var wg sync.WaitGroup
	for n := 1; n <= 50; n++ {
		wg.Go(func() {
			r, _ := http.NewRequest("POST", srv.URL+"/xmlapi/xmlapi", strings.NewReader("<x/>"))
			resp, err := srv.Client().Do(answer(t, first, r, "acme", password, n))
			if err != nil {
				t.Error(err)
				return
			}
			defer resp.Body.Close()
			if body, _ := io.ReadAll(resp.Body); resp.StatusCode != 200 || !strings.HasPrefix(string(body), "acme,") {
				t.Errorf("count %d: %s %q", n, resp.Status, body)
			}
		})
	}
	wg.Wait()
}
