package hook_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"topupd/billing"
	"topupd/billing/gateway/hook"
)

const captured = `{"outcome":"succeeded","ref":"p"}`

// Whatever is not signed for this very request proves nothing.
func TestUnprovenAnswers(t *testing.T) {
	for name, tc := range map[string]struct {
		far  *far
		code string
	}{
		"unsigned": {&far{body: captured, change: func(h http.Header, _ *[]byte, _ *http.Request, _ []byte) {
			h.Del("webhook-id")
			h.Del("webhook-timestamp")
			h.Del("webhook-signature")
		}}, "bad_signature"},
		"no_signature": {&far{body: captured, change: func(h http.Header, _ *[]byte, _ *http.Request, _ []byte) {
			h.Del("webhook-signature")
		}}, "bad_signature"},
		"another_secret": {&far{body: captured, secret: otherSecret}, "bad_signature"},
		"changed_body": {&far{body: `{"outcome":"declined"}`, change: func(_ http.Header, body *[]byte, _ *http.Request, _ []byte) {
			*body = []byte(captured)
		}}, "bad_signature"},
		"changed_timestamp": {&far{body: captured, change: func(h http.Header, _ *[]byte, _ *http.Request, _ []byte) {
			h.Set("webhook-timestamp", fmt.Sprint(time.Now().Unix()-2))
		}}, "bad_signature"},
		"old":    {&far{body: captured, skew: -6 * time.Minute}, "bad_signature"},
		"future": {&far{body: captured, skew: 6 * time.Minute}, "bad_signature"},
		"of_another_request": {&far{body: captured, change: func(h http.Header, body *[]byte, _ *http.Request, _ []byte) {
			hook.Sign(h, secret, "msg_OTHER", time.Now(), *body)
		}}, "bad_signature"},
		"our_own_request": {&far{change: func(h http.Header, body *[]byte, r *http.Request, request []byte) {
			*body = request
			for _, name := range []string{"webhook-id", "webhook-timestamp", "webhook-signature"} {
				h.Set(name, r.Header.Get(name))
			}
		}}, "bad_answer"},
		"another_version": {&far{body: captured, change: func(h http.Header, _ *[]byte, _ *http.Request, _ []byte) {
			h.Set("webhook-signature", "v2"+h.Get("webhook-signature")[2:])
		}}, "bad_signature"},
		"redirect":        {&far{status: 307, header: http.Header{"Location": {"/elsewhere"}}, body: captured}, "bad_answer"},
		"too_large":       {&far{body: `{"outcome":"succeeded","ref":"p","x":"` + strings.Repeat("x", 64<<10) + `"}`}, "bad_answer"},
		"unsigned_401":    {&far{status: 401, body: "who are you", secret: otherSecret}, "bad_signature"},
		"unsigned_404":    {&far{status: 404, secret: otherSecret}, "bad_signature"},
		"unsigned_500":    {&far{status: 500, secret: otherSecret}, "bad_signature"},
		"unsigned_503":    {&far{status: 503, secret: otherSecret}, "bad_signature"},
		"unsigned_200":    {&far{status: 200, secret: otherSecret}, "bad_signature"},
		"signed_no_words": {&far{status: 500}, "bad_answer"},
		"cut_off": {&far{body: captured, change: func(h http.Header, _ *[]byte, _ *http.Request, _ []byte) {
			h.Set("Content-Length", "1000")
		}}, "bad_answer"},
	} {
		t.Run(name, func(t *testing.T) {
			g := newGateway(t, hook.Options{URL: serve(t, tc.far)})
			for call, f := range calls(g) {
				r := f(t.Context())
				if got, want := briefly(r), (brief{unk, fault, 0, tc.code}); got != want {
					t.Errorf("%s: %+v, want %+v (%s)", call, got, want, r.Message)
				}
				if r.Message == "" || strings.Contains(r.Message, "127.0.0.1") {
					t.Errorf("%s: %q", call, r.Message)
				}
			}
		})
	}
}

// The same far end, genuine: the table above would pass a gateway that trusts nobody.
func TestGenuineAnswerWithinTheLimits(t *testing.T) {
	for name, f := range map[string]*far{
		"a_little_old":   {body: captured, skew: -4 * time.Minute},
		"a_little_early": {body: captured, skew: 4 * time.Minute},
		"large":          {body: `{"outcome":"succeeded","ref":"p","x":"` + strings.Repeat("x", 60<<10) + `"}`},
	} {
		if r := newGateway(t, hook.Options{URL: serve(t, f)}).Charge(t.Context(), charge()); r.Outcome != suc {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

// A recorded success fits no later request, not even the same charge again.
func TestRecordedAnswersAreWorthNothing(t *testing.T) {
	var first http.Header
	g := newGateway(t, hook.Options{URL: serve(t, &far{body: captured, change: func(h http.Header, _ *[]byte, _ *http.Request, _ []byte) {
		if first == nil {
			first = h.Clone()
		}
		for name, values := range first {
			h[name] = values
		}
	}})})
	if r := g.Charge(t.Context(), charge()); r.Outcome != suc {
		t.Fatalf("%+v", r)
	}
	if r := g.Charge(t.Context(), charge()); r.Outcome != unk || r.Code != "bad_signature" {
		t.Errorf("%+v", r)
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	var asked atomic.Int32
	other := serve(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	for _, status := range []int{301, 302, 303, 307, 308} {
		g := newGateway(t, hook.Options{URL: serve(t, &far{status: status, header: http.Header{"Location": {other}}})})
		if r := g.Charge(t.Context(), charge()); r.Outcome != unk || asked.Load() != 0 {
			t.Errorf("%d: %+v, followed %d times", status, r, asked.Load())
		}
	}
}

func TestTurnedAway(t *testing.T) {
	g := newGateway(t, hook.Options{URL: serve(t, &far{status: 429, body: "slow down", secret: otherSecret})})
	for call, f := range calls(g) {
		want := brief{not, limit, 0, "rate_limited"}
		if call == "lookup" { // it has not looked
			want.Outcome = unk
		}
		if got := briefly(f(t.Context())); got != want {
			t.Errorf("%s: %+v, want %+v", call, got, want)
		}
	}
}

// Without a connection nothing was sent, and only then.
func TestNotReached(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	refused := "http://" + closed.Addr().String()
	closed.Close()
	for name, url := range map[string]string{
		"refused":      refused,
		"no_such_host": "https://" + strings.Repeat("a", 64) + ".invalid/", // too long to ask anybody for
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		for call, f := range calls(newGateway(t, hook.Options{URL: url})) {
			want := brief{not, fault, 0, "not_sent"}
			if call == "lookup" {
				want.Outcome = unk
			}
			if got := briefly(f(ctx)); got != want {
				t.Errorf("%s, %s: %+v, want %+v", name, call, got, want)
			}
		}
	}
}

// What was sent may have been done, whatever the connection did afterwards.
func TestConnectionLostAfterSending(t *testing.T) {
	for name, h := range map[string]http.HandlerFunc{
		"closed": func(w http.ResponseWriter, r *http.Request) {
			io.Copy(io.Discard, r.Body)
			panic(http.ErrAbortHandler)
		},
		"closed_unread": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"half_an_answer": func(w http.ResponseWriter, r *http.Request) {
			io.Copy(io.Discard, r.Body)
			w.Header().Set("Content-Length", "100")
			io.WriteString(w, captured)
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		},
	} {
		t.Run(name, func(t *testing.T) {
			var asked atomic.Int32
			g := newGateway(t, hook.Options{URL: serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				asked.Add(1)
				h(w, r)
			}))})
			n := int32(0)
			for call, f := range calls(g) {
				if r := f(t.Context()); r.Outcome != unk || r.Trouble != fault {
					t.Errorf("%s: %+v", call, r)
				}
				if n++; asked.Load() != n {
					t.Errorf("%s: sent %d times, want %d", call, asked.Load(), n)
				}
			}
		})
	}
}

// A caller stops waiting once its request has arrived.
func TestNoAnswerInTime(t *testing.T) {
	for name, half := range map[string]string{"silent": "", "stops_in_the_middle": captured[:10]} {
		t.Run(name, func(t *testing.T) {
			arrived := make(chan func(), 1)
			url := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				io.Copy(io.Discard, r.Body)
				if half != "" {
					io.WriteString(w, half)
					w.(http.Flusher).Flush()
				}
				select {
				case stop := <-arrived:
					stop()
				default:
				}
				<-r.Context().Done()
			}))
			for call, f := range calls(newGateway(t, hook.Options{URL: url})) {
				ctx, cancel := context.WithCancel(t.Context())
				arrived <- cancel
				if got, want := briefly(f(ctx)), (brief{unk, fault, 0, "no_answer"}); got != want {
					t.Errorf("%s: %+v", call, got)
				}
				cancel()
			}
			// Without a deadline the gateway's own time-out ends it.
			start := time.Now()
			r := newGateway(t, hook.Options{URL: url, Timeout: 2 * time.Second}).Charge(t.Context(), charge())
			if got, want := briefly(r), (brief{unk, fault, 0, "no_answer"}); got != want || time.Since(start) > 10*time.Second {
				t.Errorf("%+v after %s", r, time.Since(start))
			}
		})
	}
}

// A listener that never accepts a TLS handshake: the connection is not there yet.
func TestHandshakeThatHangs(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	g := newGateway(t, hook.Options{URL: "https://" + l.Addr().String()})
	if r := g.Charge(ctx, charge()); r.Outcome != not || r.Trouble != fault || r.Code != "not_sent" {
		t.Errorf("%+v", r)
	}
}

func TestCallThatIsOver(t *testing.T) {
	f := &far{body: captured}
	g := newGateway(t, hook.Options{URL: serve(t, f)})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for call, do := range calls(g) {
		want := brief{not, none, 0, "not_sent"}
		if call == "lookup" {
			want.Outcome = unk
		}
		if got := briefly(do(ctx)); got != want || f.asked != nil {
			t.Errorf("%s: %+v", call, got)
		}
	}
}

func TestMalformedRequestsAreNotSent(t *testing.T) {
	f := &far{body: captured}
	g := newGateway(t, hook.Options{URL: serve(t, f)})
	for name, spoil := range map[string]func(*billing.GatewayCharge, *billing.GatewayRefund){
		"no_key":  func(c *billing.GatewayCharge, r *billing.GatewayRefund) { c.Key, r.Key = "", "" },
		"nothing": func(c *billing.GatewayCharge, r *billing.GatewayRefund) { c.Amount.Micros, r.Amount.Micros = 0, 0 },
		"negative": func(c *billing.GatewayCharge, r *billing.GatewayRefund) {
			c.Amount.Micros, r.Amount.Micros = -1e6, -1e6
		},
		"tenth_cent": func(c *billing.GatewayCharge, r *billing.GatewayRefund) {
			c.Amount.Micros, r.Amount.Micros = 1001000, 1001000
		},
		"no_currency": func(c *billing.GatewayCharge, r *billing.GatewayRefund) { c.Amount.Unit, r.Amount.Unit = "SMS", "" },
	} {
		c, r := charge(), refund()
		spoil(&c, &r)
		for call, got := range map[string]billing.GatewayResult{
			"charge": g.Charge(t.Context(), c), "lookup": g.Lookup(t.Context(), c), "refund": g.Refund(t.Context(), r),
		} {
			if briefly(got) != (brief{not, none, 0, "invalid_request"}) || f.asked != nil {
				t.Errorf("%s, %s: %+v", name, call, got)
			}
		}
	}
	r := refund()
	r.ChargeKey, r.ChargeRef = "", ""
	if got := g.Refund(t.Context(), r); got.Outcome != not || f.asked != nil {
		t.Errorf("a refund of nothing: %+v", got)
	}
}
