package hook

import (
	"context"
	"crypto/x509"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"topupd/billing"
)

// Name is the gateway's name in settings and cards.
const Name = "hook"

// defaultTimeout ends a call that nobody else would: one without a deadline.
const defaultTimeout = 30 * time.Second

// Options set the gateway up. URL and Secret are required.
type Options struct {
	// URL is the bridge's: https, or http on this machine. Every call goes to it.
	URL string
	// Secret signs both directions: 24 to 64 bytes in base64, with or without
	// "whsec_" in front. Several, with commas between, while they are changed:
	// all of them sign, any of them is accepted.
	Secret billing.Secret
	// Timeout is how long one call may take; zero leaves it to the setting.
	Timeout time.Duration
	// Rate is how many calls a second the bridge takes; zero is any number.
	Rate int
	// RenewsCards says that the processor charges renewed cards under their old token.
	RenewsCards bool
	// RootCAs are who may sign the bridge's certificate; nil is the system's.
	RootCAs *x509.CertPool
	// Now is the clock that timestamps are checked against; nil is time.Now.
	Now func() time.Time
}

// Gateway charges through a bridge. It is safe for concurrent use.
type Gateway struct {
	url    string
	keys   keyring
	traits billing.GatewayTraits
	client *http.Client
	now    func() time.Time
	hidden []string // texts that no result may show
	paused atomic.Pointer[time.Time]
}

var (
	_ billing.Gateway = (*Gateway)(nil)
	_ billing.Paused  = (*Gateway)(nil)
)

// New makes the gateway; it does not call the bridge. Errors: Invalid, with the
// field "url" or "secret".
func New(o Options) (*Gateway, error) {
	address, err := parseURL(o.URL)
	if err != nil {
		return nil, err
	}
	keys, err := parseSecrets(o.Secret)
	if err != nil {
		return nil, err
	}
	g := &Gateway{
		url: address.String(), keys: keys, now: o.Now, client: newClient(o.RootCAs),
		traits: billing.GatewayTraits{Timeout: o.Timeout, Rate: o.Rate, RenewsCards: o.RenewsCards},
		hidden: secretTexts(o.Secret),
	}
	if g.now == nil {
		g.now = time.Now
	}
	return g, nil
}

// parseURL refuses what would send tokens in clear text. The text itself is not
// repeated: people put secrets into addresses.
func parseURL(text string) (*url.URL, error) {
	bad := func(why string) (*url.URL, error) {
		return nil, billing.Errorf(billing.Invalid, "url", "the bridge's address %s", why)
	}
	u, err := url.Parse(text)
	switch {
	case text == "":
		return bad("is missing: https://HOST/PATH")
	case err != nil || u.Hostname() == "" || u.Opaque != "":
		return bad("is no URL: https://HOST/PATH")
	case u.User != nil:
		return bad("holds a login; calls are signed instead")
	case u.Fragment != "":
		return bad("holds a fragment")
	case u.Scheme == "https", u.Scheme == "http" && loopback(u.Hostname()):
		return u, nil
	default:
		return bad("must be https; http is for a bridge on this machine only")
	}
}

// Name is "hook".
func (g *Gateway) Name() string { return Name }

// String is the name: a printed Gateway shows no key.
func (g *Gateway) String() string { return Name }

// GoString is the name: a printed Gateway shows no key.
func (g *Gateway) GoString() string { return Name }

// Traits are what the options said.
func (g *Gateway) Traits() billing.GatewayTraits { return g.traits }

// Close lets idle connections go. Calls may still be made.
func (g *Gateway) Close() { g.client.CloseIdleConnections() }

// Chargeable takes every whole positive amount in a currency that is known; a
// processor's own limits are the bridge's to tell, by declining.
func (g *Gateway) Chargeable(a billing.Amount) error {
	_, err := wireAmount(a)
	return err
}

// PausedUntil is when the bridge, having asked for fewer calls and named a time,
// may be called again; zero is now.
func (g *Gateway) PausedUntil() time.Time {
	if t := g.paused.Load(); t != nil && t.After(g.now()) {
		return *t
	}
	return time.Time{}
}

// maxPause bounds what a bridge may ask for, so that a slip of its units (a
// time in milliseconds) does not end charging for a week.
const maxPause = 5 * time.Minute

// pause keeps the longest wait that was asked for.
func (g *Gateway) pause(d time.Duration) {
	if d <= 0 {
		return
	}
	until := g.now().Add(min(d, maxPause))
	for {
		was := g.paused.Load()
		if (was != nil && was.After(until)) || g.paused.CompareAndSwap(was, &until) {
			return
		}
	}
}

// Charge sends one attempt to the bridge.
func (g *Gateway) Charge(ctx context.Context, c billing.GatewayCharge) billing.GatewayResult {
	return g.ask(ctx, callCharge, c)
}

// Lookup asks the bridge what became of an attempt. Only a signed "not_found" or
// "not_attempted" makes it OutcomeNotAttempted.
func (g *Gateway) Lookup(ctx context.Context, c billing.GatewayCharge) billing.GatewayResult {
	return g.ask(ctx, callLookup, c)
}

func (g *Gateway) ask(ctx context.Context, k call, c billing.GatewayCharge) billing.GatewayResult {
	req, err := newChargeRequest(k, c)
	if err != nil {
		return invalid(err)
	}
	return g.exchange(ctx, k, c.Token, func(at string) any { req.SentAt = at; return req })
}

// Refund asks the bridge to give money back.
func (g *Gateway) Refund(ctx context.Context, r billing.GatewayRefund) billing.GatewayResult {
	req, err := newRefundRequest(r)
	if err != nil {
		return invalid(err)
	}
	return g.exchange(ctx, callRefund, "", func(at string) any { req.SentAt = at; return req })
}

// invalid is a request that is never sent, by nobody: it cannot have arrived.
func invalid(err error) billing.GatewayResult {
	return billing.GatewayResult{Outcome: billing.OutcomeNotAttempted, Code: "invalid_request", Message: err.Error()}
}
