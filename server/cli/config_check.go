package cli

import (
	"fmt"
	"net/mail"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"topupd/billing"
)

// settingError is a wrong value: one line with the setting, the value and what
// is allowed. A secret's value is left out.
type settingError struct {
	setting string
	value   *string
	why     string
	allowed string
}

// Error is that line.
func (e *settingError) Error() string {
	s := e.setting
	if e.value != nil {
		s += " " + strconv.Quote(*e.value)
	}
	s += ": "
	if e.why != "" {
		s += e.why + "; "
	}
	return s + "allowed: " + e.allowed
}

func wrong(setting, value, allowed string) error {
	return &settingError{setting: setting, value: &value, allowed: allowed}
}

func wrongSecret(setting, why, allowed string) error {
	return &settingError{setting: setting, why: why, allowed: allowed}
}

// checker collects what the settings mean and keeps the first error.
type checker struct{ err error }

func (k *checker) fail(err error) {
	if k.err == nil {
		k.err = err
	}
}

// check says what the settings mean, or what is wrong with the first of them.
func (s *Settings) check(f settingsFile) (*Config, error) {
	k := &checker{}
	c := &Config{
		Listen: s.Listen, DB: s.DB, TLSCert: s.TLSCert, TLSKey: s.TLSKey,
		Insecure:         k.toggle("--insecure", s.Insecure),
		Trusted:          k.networks("--trusted", s.Trusted),
		HubAllowPrivate:  k.toggle("--hub-allow-private", s.HubAllowPrivate),
		PoolPlanStatuses: k.toggle("--pool-plan-statuses", s.PoolPlanStatuses),
		RateLimit:        k.number("--rate-limit", s.RateLimit, 0, 100_000),
		Gateways:         k.gateways(s.Gateway),
		SMTP:             billing.Secret(s.SMTP), MailFrom: s.MailFrom,
		ScheduleLowBalance: strings.TrimSpace(s.ScheduleLowBalance),
		ScheduleBilling:    strings.TrimSpace(s.ScheduleBilling),
		ScheduleProfiles:   strings.TrimSpace(s.ScheduleProfiles),
		ScheduleRecurring:  strings.TrimSpace(s.ScheduleRecurring),
		DeclinedCreated:    k.toggle("--topup-declined-created", s.DeclinedCreated),
		TimeZone:           k.zone("--time-zone", s.TimeZone),
	}
	k.database(s.DB)
	k.tls(s)
	k.mail(s)
	k.log(c, s)
	c.Engine = k.engine(s, c.TimeZone)
	k.secrets(c, f)
	k.gatewaySecrets(c, f)
	return c, k.err
}

func (k *checker) engine(s *Settings, zone *time.Location) billing.Settings {
	return billing.Settings{
		Limits: billing.Limits{
			Interval:   k.duration("--charge-interval", s.ChargeInterval, 0, 366*24*time.Hour),
			DailyCount: k.number("--charge-daily-count", s.ChargeDailyCount, 1, 1000),
			CapDay:     k.money("--cap-day", s.CapDay),
			CapMonth:   k.money("--cap-month", s.CapMonth),
			Location:   zone,
		},
		MissedPeriods:     k.missed(s.MissedPeriods),
		StackExpected:     k.toggle("--stack-expected-payments", s.StackExpected),
		FailedTopupsAgain: k.toggle("--failed-topups-again", s.FailedTopupsAgain),
		Location:          zone,
		GatewayTimeout:    k.duration("--gateway-timeout", s.GatewayTimeout, 100*time.Millisecond, 10*time.Minute),
		ChargeConcurrency: k.number("--charge-concurrency", s.ChargeConcurrency, 1, 1024),
		ChargeRate:        k.number("--charge-rate", s.ChargeRate, 0, 10_000),
		Breaker:           k.breaker(s),
		DuplicateWindow:   k.duration("--duplicate-window", s.DuplicateWindow, 0, 24*time.Hour),
		PaymentWait:       billing.DefaultPaymentWait,
		AnswerDays:        billing.AnswerDays,
		EventDays:         k.number("--event-days", s.EventDays, 0, 36_500),
		AuditDays:         k.number("--audit-days", s.AuditDays, 0, 36_500),
		Realm:             k.realm(s.Realm),
		AcceptCardNumbers: k.cardNumbers(s),
	}
}

func (k *checker) toggle(name string, t toggle) bool {
	on, err := strconv.ParseBool(string(t))
	if err != nil {
		k.fail(wrong(name, string(t), "true or false"))
	}
	return on
}

func (k *checker) number(name, text string, low, high int) int {
	n, err := strconv.Atoi(text)
	if err != nil || n < low || n > high {
		k.fail(wrong(name, text, fmt.Sprintf("a whole number from %d to %d", low, high)))
	}
	return n
}

func (k *checker) duration(name, text string, low, high time.Duration) time.Duration {
	d, err := time.ParseDuration(text)
	if err != nil || d < low || d > high {
		k.fail(wrong(name, text, fmt.Sprintf("a time from %s to %s, such as 90s, 15m or 2h", low, high)))
	}
	return d
}

// money is an amount in each owner's own currency; empty is off.
func (k *checker) money(name, text string) int64 {
	if text == "" {
		return 0
	}
	v, err := billing.ParseMicros(text)
	if err != nil || v <= 0 {
		k.fail(wrong(name, text, "an amount above 0 with at most six decimals, such as 50.00, or empty for none"))
	}
	return v
}

func (k *checker) networks(name, text string) []netip.Prefix {
	var list []netip.Prefix
	for _, part := range commaList(text) {
		p, err := netip.ParsePrefix(part)
		if err != nil || p != p.Masked() {
			k.fail(wrong(name, text, "networks in CIDR form without host bits, comma list, such as 10.0.0.0/8,192.0.2.7/32"))
			return nil
		}
		list = append(list, p)
	}
	return list
}

// gatewayNames are what --gateway may list.
var gatewayNames = []string{"sandbox", "stripe", "hook"}

func (k *checker) gateways(text string) []string {
	const allowed = "a comma list of sandbox, stripe, hook, each once"
	names := commaList(text)
	if len(names) == 0 {
		k.fail(wrong("--gateway", text, allowed))
	}
	for i, name := range names {
		if !slices.Contains(gatewayNames, name) || slices.Contains(names[:i], name) {
			k.fail(wrong("--gateway", text, allowed))
		}
	}
	return names
}

// gatewaySecrets are the settings of the gateways that are listed.
func (k *checker) gatewaySecrets(c *Config, f settingsFile) {
	need := func(s secretSetting, gateway string) string {
		value, _ := f.secret(s)
		if value == "" && slices.Contains(c.Gateways, gateway) {
			k.fail(wrongSecret(s.variable, "it is not set", "what --gateway "+gateway+" needs; see docs/GATEWAYS.md"))
		}
		return value
	}
	c.StripeKey = billing.Secret(need(setStripeKey, "stripe"))
	c.StripeURL, _ = f.secret(setStripeURL)
	k.address(setStripeURL, c.StripeURL)
	webhook, _ := f.secret(setStripeWebhook)
	for part := range strings.SplitSeq(webhook, ",") {
		if webhook != "" && !strings.HasPrefix(strings.TrimSpace(part), "whsec_") {
			k.fail(wrongSecret(setStripeWebhook.variable, "", "signing secrets as Stripe shows them, whsec_..., with commas between"))
		}
	}
	c.StripeWebhook = billing.Secret(webhook)
	c.HookURL = need(setHookURL, "hook")
	k.address(setHookURL, c.HookURL)
	c.HookSecret = billing.Secret(need(setHookSecret, "hook"))
}

// address checks where card tokens are sent to: plain HTTP stays on this machine.
func (k *checker) address(s secretSetting, text string) {
	if text == "" {
		return
	}
	u, err := url.Parse(text)
	loopback := err == nil && (u.Hostname() == "localhost" || isLoopback(u.Hostname()))
	if err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && !(u.Scheme == "http" && loopback) {
		k.fail(wrongSecret(s.variable, "", "an https:// address without user and password; http:// only on loopback"))
	}
}

func isLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}

func (k *checker) zone(name, text string) *time.Location {
	loc, err := time.LoadLocation(text)
	if err != nil || text == "" || text == "Local" {
		k.fail(wrong(name, text, "an IANA zone, such as UTC or Europe/Berlin"))
		return time.UTC
	}
	return loc
}

func (k *checker) missed(text string) billing.MissedPeriods {
	m := billing.MissedPeriods(text)
	switch m {
	case billing.MissedCurrent, billing.MissedAll, billing.MissedNone:
	default:
		k.fail(wrong("--missed-periods", text, "current, all, none"))
	}
	return m
}

func (k *checker) realm(text string) string {
	if text == "" || len(text) > 128 || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f || r == '"' || r == '\\' || r == ':' }) {
		k.fail(wrong("--realm", text, "1 to 128 characters without quote, backslash, colon or control character"))
	}
	return text
}

func isPostgreSQL(address string) bool {
	return strings.HasPrefix(address, "postgres://") || strings.HasPrefix(address, "postgresql://")
}

// shownAddress is a database as logs and errors may name it: an address of PostgreSQL
// without its user, password and parameters.
func shownAddress(address string) string {
	if !isPostgreSQL(address) {
		return address
	}
	hosts, path, err := postgresAddress(address)
	if err != nil || ambiguous(address) {
		return "postgres://"
	}
	return (&url.URL{Scheme: "postgres", Host: hosts, Path: path}).String()
}

// postgresAddress is the hosts and the database of an address. PostgreSQL has several
// hosts, each with or without its port, for which net/url takes some.
func postgresAddress(address string) (hosts, path string, err error) {
	u, err := url.Parse(address)
	if err == nil {
		return u.Host, u.Path, nil
	}
	_, rest, _ := strings.Cut(address, "://")
	authority, rest := rest, ""
	if end := strings.IndexAny(authority, "/?#"); end >= 0 {
		authority, rest = authority[:end], authority[end:]
	}
	hosts = authority[strings.LastIndex(authority, "@")+1:]
	list := strings.Split(hosts, ",")
	if len(list) < 2 || strings.Contains(rest, "@") {
		return "", "", err
	}
	for _, host := range list {
		if _, err := url.Parse("postgres://" + host); err != nil {
			return "", "", err
		}
	}
	if u, err = url.Parse("postgres://host" + rest); err != nil {
		return "", "", err
	}
	return hosts, u.Path, nil
}

// ambiguous reports whether a piece of a password that is not escaped may be taken for a
// host, a database or a parameter of an address, which messages name: an @ beside the one
// before the hosts, or a #, for which an address of PostgreSQL has no use.
func ambiguous(address string) bool {
	_, rest, _ := strings.Cut(address, "://")
	authority := rest
	if end := strings.IndexAny(rest, "/?#"); end >= 0 {
		authority = rest[:end]
	}
	return strings.Contains(rest, "#") || strings.Count(authority, "@") > 1 || strings.Contains(rest[len(authority):], "@")
}

const databaseAllowed = "the path of a SQLite file, such as topupd.db, or postgres://USER:PASSWORD@HOST:PORT/DATABASE"

// postgresSetting refuses an address that is none, or that may show a password. The address
// may hold one, and what url says of it repeats it.
func postgresSetting(setting, address string) error {
	if ambiguous(address) {
		return wrongSecret(setting, "it is not clear where the password ends: write the @ : / ? # and % of user, password and parameters as %40 %3A %2F %3F %23 %25", databaseAllowed)
	}
	if _, _, err := postgresAddress(address); err != nil {
		return wrongSecret(setting, "not an address of PostgreSQL", databaseAllowed)
	}
	return nil
}

func (k *checker) database(address string) {
	const allowed = databaseAllowed
	switch {
	case isPostgreSQL(address):
		if err := postgresSetting("--db", address); err != nil {
			k.fail(err)
		}
	case strings.Contains(address, "://"):
		k.fail(wrongSecret("--db", "not an address that is known", allowed))
	case address == "" || strings.HasPrefix(address, ":") || strings.ContainsRune(address, 0):
		k.fail(wrong("--db", address, allowed))
	default:
		if info, err := os.Stat(filepath.Dir(address)); err != nil || !info.IsDir() {
			k.fail(&settingError{setting: "--db", value: &address, why: "there is no such folder", allowed: allowed})
		}
	}
}

func (k *checker) tls(s *Settings) {
	switch {
	case s.TLSCert != "" && s.TLSKey == "":
		k.fail(wrong("--tls-key", "", "the key file of --tls-cert"))
	case s.TLSKey != "" && s.TLSCert == "":
		k.fail(wrong("--tls-cert", "", "the certificate file of --tls-key"))
	}
	for _, f := range []struct{ name, path string }{{"--tls-cert", s.TLSCert}, {"--tls-key", s.TLSKey}} {
		if f.path == "" {
			continue
		}
		if info, err := os.Stat(f.path); err != nil || info.IsDir() {
			k.fail(wrong(f.name, f.path, "a file in PEM form that can be read"))
		}
	}
}

func (k *checker) mail(s *Settings) {
	if s.SMTP != "" {
		u, err := url.Parse(s.SMTP)
		if err != nil || u.Scheme != "smtp" && u.Scheme != "smtps" || u.Hostname() == "" || strings.Trim(u.Path, "/") != "" {
			k.fail(wrongSecret("--smtp", "", "smtp://USER:PASSWORD@HOST:PORT or smtps://USER:PASSWORD@HOST:PORT"))
		}
	}
	if _, err := mail.ParseAddress(s.MailFrom); err != nil {
		k.fail(wrong("--mail-from", s.MailFrom, "a mail address, such as billing@example.com"))
	}
}

// cardNumbers refuses what would be believed to work: a number is taken over our
// own TLS only.
func (k *checker) cardNumbers(s *Settings) bool {
	on := k.toggle("--accept-card-numbers", s.AcceptCardNumbers)
	if on && (s.TLSCert == "" || s.TLSKey == "") {
		k.fail(wrong("--accept-card-numbers", string(s.AcceptCardNumbers), "true only with --tls-cert and --tls-key"))
	}
	return on
}

// breaker is the global breaker; empty is off.
func (k *checker) breaker(s *Settings) (b billing.GlobalBreaker) {
	if s.MaxCharges != "" {
		b.Charges = int64(k.number("--max-charges-per-minute", s.MaxCharges, 1, 1_000_000))
	}
	b.Money = k.money("--max-money-per-minute", s.MaxMoney)
	return b
}

func (k *checker) log(c *Config, s *Settings) {
	levels := []string{"trace", "debug", "info", "warn", "error"}
	level, err := zerolog.ParseLevel(s.LogLevel)
	if err != nil || !slices.Contains(levels, s.LogLevel) {
		k.fail(wrong("--log-level", s.LogLevel, strings.Join(levels, ", ")))
	}
	c.LogLevel = level
	if s.LogFormat != "" && s.LogFormat != "json" && s.LogFormat != "console" {
		k.fail(wrong("--log-format", s.LogFormat, "json, console"))
	}
	c.LogFormat = s.LogFormat
}

// keyForm is what TOPUPD_KEY may be.
const keyForm = "32 bytes in base64, KEY[,OLDER...]"

func (k *checker) secrets(c *Config, f settingsFile) {
	user, hasUser := f.secret(setAdminUser)
	password, hasPassword := f.secret(setAdminPassword)
	switch {
	case hasUser && user == "":
		k.fail(wrong(setAdminUser.variable, user, "a login name"))
	case hasUser && password == "":
		k.fail(wrongSecret(setAdminPassword.variable, "it is empty", "the password of "+setAdminUser.variable))
	case hasPassword && !hasUser:
		user = adminLogin
	}
	c.AdminUser, c.AdminPassword = user, billing.Secret(password)
	token, hasToken := f.secret(setAdminToken)
	if hasToken && !isBearer(token) {
		k.fail(wrongSecret(setAdminToken.variable, "", fmt.Sprintf("a bearer token: %d to %d letters, digits and -._~+/", billing.MinAdminToken, maxBearer)))
	}
	c.AdminToken = billing.Secret(token)
	key, hasKey := f.secret(setKey)
	if hasKey && key == "" {
		k.fail(wrongSecret(setKey.variable, "it is empty", keyForm))
	}
	c.Key = billing.Secret(key)
}

// maxBearer is the longest token that a person may choose.
const maxBearer = 256

// isBearer reports whether a token can be sent as one (RFC 6750, section 2.1).
func isBearer(token string) bool {
	return len(token) >= billing.MinAdminToken && len(token) <= maxBearer && !strings.ContainsFunc(strings.TrimRight(token, "="), func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') && !strings.ContainsRune("-._~+/", r)
	})
}

func commaList(text string) []string {
	var list []string
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part != "" {
			list = append(list, part)
		}
	}
	return list
}
