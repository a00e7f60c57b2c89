package stripe

import (
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/stripe/stripe-go/v85"

	"topupd/billing"
)

// Name is the gateway's name in settings and cards.
const Name = "stripe"

const (
	defaultTimeout  = 30 * time.Second
	defaultInFlight = time.Minute
	idleConnections = 64
)

// Options are the settings of a Gateway. Only Key is needed.
type Options struct {
	// Key is the account's secret key, or a restricted one.
	Key billing.Secret
	// URL is the base of every request; empty is Stripe's own. A live key goes
	// over http to this machine only.
	URL string
	// Timeout ends a call whose context has no earlier deadline; zero is 30 s.
	Timeout time.Duration
	// InFlight is how long after an attempt was submitted a payment that Stripe
	// still shows as unconfirmed may be on its way; zero is a minute. Until then
	// a lookup does not call it "not attempted".
	InFlight time.Duration
	// Now is the clock that ages idempotency keys; nil is the real one.
	Now func() time.Time
}

// Gateway is Stripe. It is safe for concurrent use.
type Gateway struct {
	api      stripe.Backend
	key      billing.Secret
	inFlight time.Duration
	now      func() time.Time
}

var (
	_ billing.Gateway   = (*Gateway)(nil)
	_ billing.Preparer  = (*Gateway)(nil)
	_ billing.Tokenizer = (*Gateway)(nil)
)

// New makes a gateway; nothing is sent yet. Errors: a key or URL that cannot be
// right, without the key's text.
func New(o Options) (*Gateway, error) {
	if err := checkKey(o.Key); err != nil {
		return nil, err
	}
	base, err := baseURL(o.URL, o.Key)
	if err != nil {
		return nil, err
	}
	if o.Timeout <= 0 {
		o.Timeout = defaultTimeout
	}
	if o.InFlight <= 0 {
		o.InFlight = defaultInFlight
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Gateway{
		key: o.Key, inFlight: o.InFlight, now: o.Now,
		api: stripe.GetBackendWithConfig(stripe.APIBackend, &stripe.BackendConfig{
			URL:               stripe.String(base),
			HTTPClient:        client(o.Timeout),
			LeveledLogger:     &stripe.LeveledLogger{Level: stripe.LevelNull},
			MaxNetworkRetries: stripe.Int64(0), // an attempt is sent as often as the engine knows
			EnableTelemetry:   stripe.Bool(false),
		}),
	}, nil
}

func client(timeout time.Duration) *http.Client {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConns, t.MaxIdleConnsPerHost = idleConnections, idleConnections
	return &http.Client{
		Transport: watched{t},
		Timeout:   timeout,
		// Stripe redirects nobody; a key is not carried to where an answer points.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

func checkKey(key billing.Secret) error {
	k := key.Reveal()
	switch {
	case k == "":
		return errors.New("stripe: the secret key is missing")
	case strings.HasPrefix(k, "pk_"):
		return errors.New("stripe: this is a publishable key, which cannot charge; the secret key begins with sk_ or rk_")
	case strings.ContainsFunc(k, func(r rune) bool { return r <= ' ' || r > '~' }):
		return errors.New("stripe: the secret key holds a character that no key has")
	}
	return nil
}

func baseURL(text string, key billing.Secret) (string, error) {
	if text == "" {
		return stripe.APIURL, nil
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return "", errors.New("stripe: the URL must be http:// or https:// with a host, and without user or query")
	}
	live := strings.Contains(key.Reveal(), "_live_")
	if u.Scheme == "http" && live && !loopback(u.Hostname()) {
		return "", errors.New("stripe: a live key is not sent over http; the URL must be https://")
	}
	return u.String(), nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// Name is "stripe".
func (g *Gateway) Name() string { return Name }

// String is the gateway's name: its fields hold the key.
func (g *Gateway) String() string { return Name }

// GoString is String.
func (g *Gateway) GoString() string { return Name }

// Traits says that Stripe renews cards with their issuers, and what a charge
// costs of the rate that Stripe allows.
func (g *Gateway) Traits() billing.GatewayTraits {
	return billing.GatewayTraits{RenewsCards: true, Rate: 20, CallsPerCharge: 2}
}
