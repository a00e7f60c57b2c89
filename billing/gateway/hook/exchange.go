package hook

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"sync/atomic"
	"time"

	"topupd/billing"
)

const (
	maxAnswer  = 64 << 10
	maxHeaders = 32 << 10
	userAgent  = "topupd-hook/1"
)

// newClient follows no redirect: a signed request is for one address.
func newClient(roots *x509.CertPool) *http.Client {
	dialer := &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}
	return &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			Proxy:                  http.ProxyFromEnvironment,
			DialContext:            dialer.DialContext,
			TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots},
			TLSHandshakeTimeout:    10 * time.Second,
			ForceAttemptHTTP2:      true,
			DisableCompression:     true, // what is signed is what is read
			MaxResponseHeaderBytes: maxHeaders,
			MaxIdleConnsPerHost:    64,
			IdleConnTimeout:        90 * time.Second,
		},
	}
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || (ip != nil && ip.IsLoopback())
}

// failure is a call that brought no signed answer.
type failure struct {
	unsent  bool // certainly nothing arrived, or it was turned away unread
	trouble billing.Trouble
	code    string
	message string
}

// result is what may be concluded from it: of a lookup, nothing ever.
func (f *failure) result(k call) billing.GatewayResult {
	r := billing.GatewayResult{Code: f.code, Message: f.message, Trouble: f.trouble}
	if f.unsent && k != callLookup {
		r.Outcome = billing.OutcomeNotAttempted
	}
	return r
}

// exchange makes one call. body is told when it is sent.
func (g *Gateway) exchange(ctx context.Context, k call, token billing.Secret, body func(sentAt string) any) billing.GatewayResult {
	words := g.words(token)
	if ctx.Err() != nil {
		return (&failure{unsent: true, code: "not_sent", message: "the call was over before it was sent"}).result(k)
	}
	if !g.PausedUntil().IsZero() {
		f := failure{unsent: true, trouble: billing.TroubleLimited, code: "rate_limited", message: "the bridge asked for a pause"}
		return f.result(k)
	}
	if _, ends := ctx.Deadline(); !ends {
		timeout := g.traits.Timeout
		if timeout <= 0 {
			timeout = defaultTimeout
		}
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, timeout)
		defer cancel()
	}
	now := g.now()
	text, err := json.Marshal(body(sentAt(now)))
	if err != nil {
		return (&failure{unsent: true, code: "invalid_request", message: "the request cannot be written as JSON"}).result(k)
	}
	signed, limited, f := g.post(ctx, now, text)
	if f != nil {
		f.message = words.clean(f.message, maxMessage)
		return f.result(k)
	}
	r, wait := decodeAnswer(k, signed, limited, words)
	g.pause(wait)
	return r
}

// post sends a signed body and returns the body of a signed answer, and whether
// it came as "too many requests".
func (g *Gateway) post(ctx context.Context, now time.Time, body []byte) (signed []byte, limited bool, f *failure) {
	var connected atomic.Bool
	trace := &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { connected.Store(true) }}
	req, err := http.NewRequestWithContext(httptrace.WithClientTrace(ctx, trace), http.MethodPost, g.url, bytes.NewReader(body))
	if err != nil {
		return nil, false, &failure{unsent: true, code: "invalid_request", message: "the request cannot be made"}
	}
	// A new id each time: an answer that was recorded fits no later request.
	id := "msg_" + rand.Text()
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", userAgent)
	g.keys.sign(req.Header, id, now, body)
	resp, err := g.client.Do(req)
	if err != nil {
		// Without a connection not one byte has left.
		return nil, false, unanswered(ctx, err, !connected.Load())
	}
	defer resp.Body.Close()
	limited = resp.StatusCode == http.StatusTooManyRequests
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err == nil && len(answer) > maxAnswer {
		err = errTooLarge
	}
	if err == nil {
		err = g.genuine(resp, answer, id)
	}
	switch {
	case err == nil:
		return answer, limited, nil
	case limited: // a proxy in front turns calls away too, and signs nothing
		g.pause(retryAfter(resp.Header.Get("Retry-After")))
		return nil, true, &failure{
			unsent: true, trouble: billing.TroubleLimited, code: "rate_limited", message: "the bridge asks for fewer calls",
		}
	default:
		return nil, false, refusedAnswer(ctx, resp.StatusCode, err)
	}
}

var (
	errTooLarge = errors.New("the answer is larger than 64 KiB")
	errForeign  = errors.New("the answer belongs to another request")
	errRedirect = errors.New("redirects are not followed")
)

// genuine checks that the bridge gave this answer to this request.
func (g *Gateway) genuine(resp *http.Response, body []byte, id string) error {
	if resp.StatusCode >= 300 && resp.StatusCode < 400 {
		return errRedirect
	}
	answered, _, err := g.keys.verify(resp.Header, body, g.now())
	if err == nil && answered != id {
		err = errForeign
	}
	return err
}

// unanswered is a call that ended without an answer.
func unanswered(ctx context.Context, err error, unsent bool) *failure {
	f := &failure{unsent: unsent, trouble: billing.TroubleFault, code: "no_answer", message: "the bridge did not answer in time"}
	if unsent {
		f.code, f.message = "not_sent", "the bridge was not reached in time"
	}
	if ctx.Err() == nil {
		f.message = "the bridge cannot be reached: " + cause(err)
	}
	return f
}

// refusedAnswer is one that proves nothing.
func refusedAnswer(ctx context.Context, status int, err error) *failure {
	f := &failure{trouble: billing.TroubleFault, code: "bad_answer"}
	switch {
	case ctx.Err() != nil:
		f.code, f.message = "no_answer", "the bridge did not answer in time"
	case errors.Is(err, errUnsigned), errors.Is(err, errSignature), errors.Is(err, errStale), errors.Is(err, errForeign):
		f.code = "bad_signature"
		fallthrough
	default:
		f.message = "the bridge answered HTTP " + strconv.Itoa(status) + ": " + cause(err)
	}
	return f
}

// cause is an error without the address that net/http puts in front.
func cause(err error) string {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	return err.Error()
}

// retryAfter reads whole seconds; anything else is no wait.
func retryAfter(text string) time.Duration {
	seconds, err := strconv.ParseUint(text, 10, 31)
	if err != nil {
		return 0
	}
	return time.Duration(seconds) * time.Second
}
