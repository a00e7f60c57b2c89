package cli

import "github.com/alecthomas/kong"

// Settings are the settings as they were given: a flag, else an environment
// variable, else a line of the configuration file, else the default. All are
// text, so that every wrong value is told the same way; Config is what they mean.
type Settings struct {
	Config configFile `name:"config" placeholder:"FILE" help:"Configuration file (TOML): one line for each setting, named like its flag." group:"Settings"`

	Listen    string `name:"listen" env:"TOPUPD_LISTEN" default:"127.0.0.1:8080" help:"Address to listen on." group:"Settings"`
	DB        string `name:"db" env:"TOPUPD_DB" default:"topupd.db" help:"Database: the path of a SQLite file, or postgres://..., which needs TOPUPD_KEY." group:"Settings"`
	TLSCert   string `name:"tls-cert" env:"TOPUPD_TLS_CERT" help:"Certificate file; without it plain HTTP." group:"Settings"`
	TLSKey    string `name:"tls-key" env:"TOPUPD_TLS_KEY" help:"Key file of the certificate." group:"Settings"`
	Insecure  toggle `name:"insecure" env:"TOPUPD_INSECURE" default:"false" help:"Allow plain HTTP beyond loopback." group:"Settings"`
	Realm     string `name:"realm" env:"TOPUPD_REALM" default:"topupd" help:"Digest realm; changing it makes stored passwords unusable until they are set again." group:"Settings"`
	RateLimit string `name:"rate-limit" env:"TOPUPD_RATE_LIMIT" default:"0" help:"Requests a second of each login or token over REST and XML-RPC, twice as many at once; 0 is no limit." group:"Settings"`
	Trusted   string `name:"trusted" env:"TOPUPD_TRUSTED" help:"Networks (CIDR, comma list) whose XML-RPC requests need no login." group:"Settings"`

	Gateway           string `name:"gateway" env:"TOPUPD_GATEWAY" default:"sandbox" help:"Card gateways (sandbox, stripe, hook), comma list, the first for new cards." group:"Settings"`
	GatewayTimeout    string `name:"gateway-timeout" env:"TOPUPD_GATEWAY_TIMEOUT" default:"30s" help:"How long one call to the gateway may take." group:"Settings"`
	ChargeConcurrency string `name:"charge-concurrency" env:"TOPUPD_CHARGE_CONCURRENCY" default:"32" help:"Charges in flight per server." group:"Settings"`
	ChargeRate        string `name:"charge-rate" env:"TOPUPD_CHARGE_RATE" default:"0" help:"Gateway calls a second over all servers; 0 is the gateway's own default." group:"Settings"`
	ChargeInterval    string `name:"charge-interval" env:"TOPUPD_CHARGE_INTERVAL" default:"15m" help:"Least time between low-balance charges of one owner." group:"Settings"`
	ChargeDailyCount  string `name:"charge-daily-count" env:"TOPUPD_CHARGE_DAILY_COUNT" default:"5" help:"Most low-balance charges of one owner in 24 hours." group:"Settings"`
	AcceptCardNumbers toggle `name:"accept-card-numbers" env:"TOPUPD_ACCEPT_CARD_NUMBERS" default:"false" help:"Take card numbers, over TLS and with a login, and exchange them for the gateway's tokens: docs/PCI.md." group:"Settings"`
	DuplicateWindow   string `name:"duplicate-window" env:"TOPUPD_DUPLICATE_WINDOW" default:"120s" help:"How long the same payment again is a repeat; 0 is off." group:"Settings"`
	MissedPeriods     string `name:"missed-periods" env:"TOPUPD_MISSED_PERIODS" default:"current" help:"Which of several missed billing periods are billed: current, all, none." group:"Settings"`
	CapDay            string `name:"cap-day" env:"TOPUPD_CAP_DAY" help:"Most automatic money per owner and day." group:"Settings"`
	CapMonth          string `name:"cap-month" env:"TOPUPD_CAP_MONTH" help:"Most automatic money per owner and month." group:"Settings"`
	MaxCharges        string `name:"max-charges-per-minute" env:"TOPUPD_MAX_CHARGES_PER_MINUTE" help:"Global breaker: more charges than this in a minute stop all sending; empty is off." group:"Settings"`
	MaxMoney          string `name:"max-money-per-minute" env:"TOPUPD_MAX_MONEY_PER_MINUTE" help:"Global breaker: more money than this in a minute, in one currency, stops all sending; empty is off." group:"Settings"`

	SMTP     string `name:"smtp" env:"TOPUPD_SMTP" placeholder:"URL" help:"Mail server, smtp:// or smtps://; without it mail goes to the log." group:"Settings"`
	MailFrom string `name:"mail-from" env:"TOPUPD_MAIL_FROM" default:"billing@localhost" help:"Sender of mails." group:"Settings"`

	ScheduleLowBalance string `name:"schedule-low-balance" env:"TOPUPD_SCHEDULE_LOW_BALANCE" default:"*/15 * * * *" help:"When the low-balance sweep runs; empty is never." group:"Settings"`
	ScheduleBilling    string `name:"schedule-billing" env:"TOPUPD_SCHEDULE_BILLING" default:"5 0 * * *" help:"When billing runs; empty is never." group:"Settings"`
	ScheduleProfiles   string `name:"schedule-profiles" env:"TOPUPD_SCHEDULE_PROFILES" default:"15 0 * * *" help:"When top-up profiles run; empty is never." group:"Settings"`
	StackExpected      toggle `name:"stack-expected-payments" env:"TOPUPD_STACK_EXPECTED_PAYMENTS" default:"false" help:"Let top-up profiles expect another payment while one is open." group:"Settings"`
	PoolPlanStatuses   toggle `name:"pool-plan-statuses" env:"TOPUPD_POOL_PLAN_STATUSES" default:"false" help:"Answer refused pool plan top-ups with a 4xx, not with 200 and the code." group:"Settings"`
	ScheduleRecurring  string `name:"schedule-recurring" env:"TOPUPD_SCHEDULE_RECURRING" default:"*/5 * * * *" help:"When recurring top-ups run; empty is never." group:"Settings"`
	FailedTopupsAgain  toggle `name:"failed-topups-again" env:"TOPUPD_FAILED_TOPUPS_AGAIN" default:"false" help:"A recurring top-up that was not paid does not count as one of its number of periods." group:"Settings"`
	DeclinedCreated    toggle `name:"topup-declined-created" env:"TOPUPD_TOPUP_DECLINED_CREATED" default:"false" help:"TMF654: answer 201 with status FAILED to a declined top-up, instead of 400." group:"Settings"`
	TimeZone           string `name:"time-zone" env:"TOPUPD_TIME_ZONE" default:"UTC" help:"Zone of schedules, business dates and owners without one." group:"Settings"`
	HubAllowPrivate    toggle `name:"hub-allow-private" env:"TOPUPD_HUB_ALLOW_PRIVATE" default:"false" help:"Let subscriptions to events have callbacks in private networks and on this machine." group:"Settings"`
	EventDays          string `name:"event-days" env:"TOPUPD_EVENT_DAYS" default:"30" help:"Days that events and their deliveries are kept; 0 is for ever." group:"Settings"`
	AuditDays          string `name:"audit-days" env:"TOPUPD_AUDIT_DAYS" default:"400" help:"Days that audit rows are kept; 0 is for ever." group:"Settings"`

	LogLevel  string `name:"log-level" env:"TOPUPD_LOG_LEVEL" default:"info" help:"trace, debug, info, warn, error." group:"Settings"`
	LogFormat string `name:"log-format" env:"TOPUPD_LOG_FORMAT" help:"json, or console (the default on a terminal)." group:"Settings"`
}

// secretSetting is a setting that has no flag: a secret, or what belongs to one.
type secretSetting struct {
	variable string
	key      string // its name in the configuration file
}

// The settings without a flag.
var (
	setAdminUser     = secretSetting{"TOPUPD_ADMIN_USER", "admin-user"}
	setAdminPassword = secretSetting{"TOPUPD_ADMIN_PASSWORD", "admin-password"}
	setAdminToken    = secretSetting{"TOPUPD_ADMIN_TOKEN", "admin-token"}
	setKey           = secretSetting{"TOPUPD_KEY", "key"}
	setHookURL       = secretSetting{"TOPUPD_HOOK_URL", "hook-url"}
	setHookSecret    = secretSetting{"TOPUPD_HOOK_SECRET", "hook-secret"}
	setStripeKey     = secretSetting{"TOPUPD_STRIPE_KEY", "stripe-key"}
	setStripeURL     = secretSetting{"TOPUPD_STRIPE_URL", "stripe-url"}
	setStripeWebhook = secretSetting{"TOPUPD_STRIPE_WEBHOOK_SECRET", "stripe-webhook-secret"}
)

// secretSettings are all settings without a flag.
var secretSettings = []secretSetting{
	setAdminUser, setAdminPassword, setAdminToken, setKey,
	setHookURL, setHookSecret, setStripeKey, setStripeURL, setStripeWebhook,
}

// toggle is a switch: as a flag it needs no value, and any value is text until
// it is checked.
type toggle string

// Decode takes a value that is joined to the flag ("--insecure=false"), or none.
func (t *toggle) Decode(ctx *kong.DecodeContext) error {
	*t = "true"
	if token := ctx.Scan.Peek(); token.Type == kong.FlagValueToken {
		ctx.Scan.Pop()
		*t = toggle(token.String())
	}
	return nil
}

// IsBool tells kong that the flag needs no value.
func (t *toggle) IsBool() bool { return true }
