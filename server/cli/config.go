package cli

import (
	"net/netip"
	"time"

	"github.com/rs/zerolog"

	"topupd/billing"
)

// Config is what the settings mean, checked.
type Config struct {
	Listen          string
	DB              string // shown as ShownDB
	TLSCert, TLSKey string
	Insecure        bool
	Trusted         []netip.Prefix
	RateLimit       int // requests a second; 0: none

	AdminUser     string
	AdminPassword billing.Secret
	AdminToken    billing.Secret // empty: none
	// Key seals tokens and logins; empty is a key file.
	Key billing.Secret

	// Gateways are names, the first for new cards.
	Gateways []string
	// The gateways' own settings; a URL is empty for the gateway's own.
	StripeKey     billing.Secret
	StripeURL     string
	StripeWebhook billing.Secret // empty: no webhook
	HookURL       string
	HookSecret    billing.Secret
	// PoolPlanStatuses answers refused pool plan top-ups with a 4xx.
	PoolPlanStatuses bool
	// Engine are the rules' settings.
	Engine billing.Settings

	// HubAllowPrivate lets events be posted into private networks.
	HubAllowPrivate bool

	SMTP     billing.Secret // its URL holds a password
	MailFrom string

	ScheduleLowBalance string
	ScheduleProfiles   string
	ScheduleBilling    string
	ScheduleRecurring  string
	// DeclinedCreated answers 201 to a declined top-up over TMF654.
	DeclinedCreated bool
	TimeZone        *time.Location

	LogLevel zerolog.Level
	// LogFormat is json, console, or empty: console on a terminal.
	LogFormat string
}

// PostgreSQL reports whether the database is a PostgreSQL server.
func (c *Config) PostgreSQL() bool { return isPostgreSQL(c.DB) }

// ShownDB is the database as logs and errors may name it: DB may hold a password.
func (c *Config) ShownDB() string { return shownAddress(c.DB) }

// nonceKeys sign nonces on every server that has this TOPUPD_KEY; none without it.
func (c *Config) nonceKeys() (keys [][]byte) {
	for _, key := range commaList(c.Key.Reveal()) {
		keys = append(keys, []byte(key))
	}
	return keys
}

// sharedKey refuses a database of PostgreSQL without TOPUPD_KEY: all servers on it need
// the same key, and there is no file beside it to keep one in.
func (c *Config) sharedKey() error {
	if c.PostgreSQL() && c.Key == "" {
		return wrongSecret(setKey.variable, "it is not set, and PostgreSQL has no key file beside it", keyForm+", the same for all servers on the database")
	}
	return nil
}
