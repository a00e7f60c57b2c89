package server

import (
	"context"
	"errors"
	"net/netip"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"topupd/billing"
)

// Login is an identity: a name and the customer that it belongs to.
type Login struct {
	Name string
	// Customer is i_customer; 1 is root.
	Customer int64
	// Blocked is why its customer, or one above it, is blocked; interfaces decide what
	// that keeps it from.
	Blocked billing.Block
	// Trusted says that a trusted network vouches for it, not a password.
	Trusted bool
}

// LoginLookup finds a login that may be used now, with the HA1 that its
// password has in the server's realm. It returns false for a name that does
// not exist, is disabled or has no HA1 for this realm; an error only when it
// could not find out.
type LoginLookup func(ctx context.Context, name string) (login Login, ha1 string, found bool, err error)

// DefaultMaxBody is the limit of a request's body unless Options say another.
const DefaultMaxBody = 4 << 20

// Options are what main decides. Realm and Logins are needed, the rest works
// at its zero value.
type Options struct {
	// Listen is the address, as in --listen.
	Listen string
	// TLSCert and TLSKey are files; both or neither.
	TLSCert, TLSKey string
	// Insecure allows plain HTTP beyond loopback.
	Insecure bool

	// Realm of Digest and Basic.
	Realm string
	// NonceKeys sign nonces, the first one new ones; servers on one database need the same.
	// None makes one for this process.
	NonceKeys [][]byte
	// Trusted networks need no login for XML-RPC.
	Trusted []netip.Prefix
	// Logins finds logins.
	Logins LoginLookup
	// Tokens and Once are what interfaces need: bearer tokens, and requests that are
	// carried out once.
	Tokens TokenLookup
	Once   Once

	// LoginNotes is told of logins, for the audit log; nil is not.
	LoginNotes LoginSink

	// MaxBody bounds what is read of a body, also of a refused request's; 0 is
	// DefaultMaxBody. Interfaces may have tighter limits of their own.
	MaxBody int64

	// RateLimit is how many requests a second each login or token may send to REST and
	// XML-RPC, twice as many at once; 0 limits nothing.
	RateLimit int

	// Logger gets one line per request.
	Logger zerolog.Logger
	// Version and Revision are shown in the metrics.
	Version, Revision string
	// Collectors are main's own metrics.
	Collectors []prometheus.Collector

	// Gateways are the card gateways in use, the first for new cards.
	Gateways []string
	// CheckDatabase says whether the database answers; nil is not asked.
	CheckDatabase func(ctx context.Context) error

	// now, slowness and noting are set by tests.
	now      func() time.Time
	slowness *slowness
	noting   *noting
}

func (o *Options) fill() error {
	if o.Logins == nil {
		return errors.New("server: no login lookup")
	}
	if o.MaxBody <= 0 {
		o.MaxBody = DefaultMaxBody
	}
	if o.now == nil {
		o.now = time.Now
	}
	if o.slowness == nil {
		o.slowness = &defaultSlowness
	}
	if o.noting == nil {
		o.noting = &defaultNoting
	}
	return nil
}
