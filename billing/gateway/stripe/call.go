package stripe

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptrace"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/stripe/stripe-go/v85"
	"github.com/stripe/stripe-go/v85/form"

	"topupd/billing"
)

// exchange is what is known about one request beside its answer's body.
type exchange struct {
	// connected: a connection was had, so the request may have reached Stripe.
	connected atomic.Bool
	status    int
	replayed  bool // the stored answer of an earlier request with this key
	// retryAfter is what a 429 asks for; zero is not said.
	retryAfter time.Duration
}

type exchangeKey struct{}

// watched notes what became of each request in its context's exchange.
type watched struct{ next http.RoundTripper }

func (w watched) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := w.next.RoundTrip(req)
	if x, ok := req.Context().Value(exchangeKey{}).(*exchange); ok && err == nil {
		x.status, x.replayed = resp.StatusCode, resp.Header.Get("Idempotent-Replayed") == "true"
		if seconds, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil && seconds > 0 {
			x.retryAfter = min(time.Duration(seconds)*time.Second, time.Minute)
		}
	}
	return resp, err
}

// trouble is what kept a request from being answered with what was asked for.
type trouble uint8

const (
	unsent   trouble = iota + 1 // certainly never reached Stripe
	silent                      // sent, and no answer, or none that can be read
	faulty                      // Stripe failed: 5xx
	limited                     // fewer calls, please: 429
	locked                      // a request with this key is being worked on: 409
	reused                      // the key came before with other parameters
	unkeyed                     // Stripe does not accept our secret key for this
	declined                    // a card error
	refused                     // any other 4xx
)

// failure is a request that did not get what it asked for.
type failure struct {
	what     trouble
	replayed bool
	// retryAfter is how long a limited caller is asked to wait.
	retryAfter time.Duration
	// ended: the caller stopped waiting; nobody failed.
	ended bool
	said  apiError
}

// call sends one request and reads its answer into a struct of wire.go. key is
// the idempotency key, empty for a request that changes nothing.
//
// A connection that breaks while idle makes the transport itself send again, with
// the same key; Stripe answers both alike.
func (g *Gateway) call(ctx context.Context, method, path, key string, params stripe.ParamsContainer, into stripe.LastResponseSetter) *failure {
	x := &exchange{}
	ctx = context.WithValue(ctx, exchangeKey{}, x)
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { x.connected.Store(true) },
	})
	err := g.send(ctx, method, path, key, params, into)
	if err == nil && x.status < 300 {
		return nil
	}
	f := &failure{replayed: x.replayed, retryAfter: x.retryAfter, ended: errors.Is(ctx.Err(), context.Canceled)}
	f.said = said(err)
	f.what = kindOf(x, &f.said)
	return f
}

func (g *Gateway) send(ctx context.Context, method, path, key string, params stripe.ParamsContainer, into stripe.LastResponseSetter) error {
	if list, ok := params.(stripe.ListParamsContainer); ok {
		list.GetListParams().Context = ctx
		query := &form.Values{}
		form.AppendTo(query, params)
		return g.api.CallRaw(method, path, g.key.Reveal(), []byte(query.Encode()), params.GetParams(), into)
	}
	p := params.GetParams()
	p.Context = ctx
	if key != "" {
		p.IdempotencyKey = stripe.String(key)
	}
	return g.api.Call(method, path, g.key.Reveal(), params, into)
}

// said is what Stripe's error body holds; zero if there is none.
func said(err error) apiError {
	var body struct {
		Error apiError `json:"error"`
	}
	if e, ok := errors.AsType[*stripe.Error](err); ok && e.LastResponse != nil {
		// What cannot be read is treated like an error without a body.
		_ = json.Unmarshal(e.LastResponse.RawJSON, &body)
	}
	return body.Error
}

// kindOf sorts failures by their status first: an answer that is not Stripe's own
// (a proxy's page) has one too.
func kindOf(x *exchange, said *apiError) trouble {
	switch {
	case x.status == 0 && !x.connected.Load():
		return unsent
	case x.status < 400:
		return silent
	case x.status >= 500:
		return faulty
	case x.status == http.StatusTooManyRequests:
		return limited
	case x.status == http.StatusConflict:
		return locked
	case x.status == http.StatusUnauthorized || x.status == http.StatusForbidden || otherMode(said):
		return unkeyed
	case said.Type == "idempotency_error":
		return reused
	case said.Type == "card_error":
		return declined
	case said.Type == "":
		return silent
	default:
		return refused
	}
}

// unknown is the result of a failure after which money may have moved.
func (f *failure) unknown(ref string) billing.GatewayResult {
	r := f.result(ref)
	r.Outcome = billing.OutcomeUnknown
	return r
}

// notAttempted is the result of a failure after which none can have.
func (f *failure) notAttempted(ref string) billing.GatewayResult {
	r := f.result(ref)
	r.Outcome = billing.OutcomeNotAttempted
	return r
}

func (f *failure) result(ref string) billing.GatewayResult {
	r := billing.GatewayResult{Ref: ref, Trouble: billing.TroubleFault}
	switch f.what {
	case unsent:
		r.Code, r.Message = "not_sent", "Stripe could not be reached"
	case silent:
		r.Code, r.Message = "no_answer", "Stripe did not answer in time, or not readably"
	case faulty:
		r.Code, r.Message = "gateway_error", "Stripe failed"
	case limited:
		r.Trouble, r.RetryAfter = billing.TroubleLimited, f.retryAfter
		r.Code, r.Message = "rate_limit", "Stripe asks for fewer calls"
		if f.said.Code == string(stripe.ErrorCodeLockTimeout) {
			// About this payment alone: others need not wait.
			r.Trouble = billing.TroubleNone
			r.Code, r.Message = f.said.Code, "Stripe is still busy with this payment"
		}
	case locked:
		r.Trouble = billing.TroubleNone
		r.Code, r.Message = string(stripe.ErrorCodeIdempotencyKeyInUse), "Stripe is still working on this request"
	case reused:
		r.Trouble = billing.TroubleNone
		r.Code, r.Message = "idempotency_error", "this idempotency key was used before with other parameters"
	case unkeyed:
		r.Code, r.Message = "key_refused", "Stripe does not accept the secret key for this; is it the right one, with the permissions it needs?"
	default:
		r.Code, r.Message = f.said.word(), "Stripe refused the request"
	}
	if f.ended && (f.what == unsent || f.what == silent) {
		r.Trouble, r.Message = billing.TroubleNone, "the call was over before Stripe answered"
	}
	return r
}
