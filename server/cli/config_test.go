package cli

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgxpool"

	"topupd/billing"
)

// parse reads a command line as Main does, with the settings that it gives.
func parse(t *testing.T, args ...string) (*Config, error) {
	t.Helper()
	a := &app{ctx: t.Context(), file: settingsFile{}, out: os.Stdout, err: os.Stderr}
	parser, err := newParser(a)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parser.Parse(append([]string{"serve"}, args...)); err != nil {
		return nil, err
	}
	return a.config()
}

// clean keeps the environment of whoever runs the tests out of them.
func clean(t *testing.T) {
	t.Helper()
	for _, v := range os.Environ() {
		if name, _, _ := strings.Cut(v, "="); strings.HasPrefix(name, "TOPUPD_") {
			t.Setenv(name, "") // so that it comes back
			os.Unsetenv(name)
		}
	}
}

func TestDefaults(t *testing.T) {
	clean(t)
	c, err := parse(t)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(billing.DefaultSettings(), c.Engine, cmp.Comparer(func(a, b *time.Location) bool { return a.String() == b.String() })); diff != "" {
		t.Errorf("the defaults of the engine (-its own +ours):\n%s", diff)
	}
	got := []string{c.Listen, c.DB, strings.Join(c.Gateways, ","), c.MailFrom, c.ScheduleLowBalance, c.ScheduleBilling, c.Engine.DuplicateWindow.String(), c.LogLevel.String(), c.LogFormat}
	want := []string{"127.0.0.1:8080", "topupd.db", "sandbox", "billing@localhost", "*/15 * * * *", "5 0 * * *", "2m0s", "info", ""}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if c.Insecure || c.Trusted != nil || c.Key != "" || c.AdminUser != "" || c.SMTP != "" {
		t.Errorf("something is set by default: %+v", c)
	}
}

// settingCases are every setting: a value that works, one that does not, and a
// word of what is then allowed. They are given as flag, variable and line.
var settingCases = []struct {
	name, good, bad, allowed string
	secret                   bool // the bad value must not be in the error
}{
	{"db", "sub/other.db", ":memory:", "path of a SQLite file", false},
	{"db", "other.db", "nowhere/topupd.db", "path of a SQLite file", false},
	{"db", "postgres://u:hidden@h/d", "postgres://u:hidden@h%zz/d", "postgres://USER:PASSWORD@HOST", true},
	{"db", "postgresql://u@h:5433/d?sslmode=verify-full", "mysql://u:hidden@h/d", "path of a SQLite file", true},
	{"insecure", "true", "perhaps", "true or false", false},
	{"realm", "switch", `a"b`, "1 to 128 characters", false},
	{"rate-limit", "50", "-1", "from 0 to", false},
	{"rate-limit", "0", "1.5", "from 0 to", false},
	{"trusted", "10.0.0.0/8, 192.0.2.7/32", "10.0.0.1/8", "CIDR", false},
	{"gateway", "sandbox", "sandbox,sandbox", "sandbox", false},
	{"gateway", "sandbox", "paypal", "sandbox", false},
	{"gateway-timeout", "5s", "5", "a time from 100ms", false},
	{"charge-concurrency", "8", "0", "from 1 to 1024", false},
	{"charge-rate", "20", "-1", "from 0 to", false},
	{"charge-rate", "0", "fast", "from 0 to", false},
	{"charge-interval", "1h", "-1s", "a time from 0s", false},
	{"charge-daily-count", "3", "many", "from 1 to 1000", false},
	{"accept-card-numbers", "false", "perhaps", "true or false", false},
	{"accept-card-numbers", "false", "true", "with --tls-cert", false},
	{"duplicate-window", "0s", "soon", "a time from 0s", false},
	{"stack-expected-payments", "true", "perhaps", "true or false", false},
	{"hub-allow-private", "true", "perhaps", "true", false},
	{"event-days", "0", "-1", "from 0 to 36500", false},
	{"failed-topups-again", "true", "perhaps", "true or false", false},
	{"topup-declined-created", "true", "perhaps", "true or false", false},
	{"pool-plan-statuses", "true", "perhaps", "true or false", false},
	{"audit-days", "0", "-1", "from 0 to 36500", false},
	{"audit-days", "30", "30d", "from 0 to 36500", false},
	{"missed-periods", "all", "some", "current, all, none", false},
	{"cap-day", "50.00", "-1", "an amount above 0", false},
	{"cap-day", "0.000001", "0.0000001", "an amount above 0", false},
	{"cap-month", "500", "1e400", "an amount above 0", false},
	{"max-charges-per-minute", "10", "0", "from 1 to", false},
	{"max-charges-per-minute", "", "ten", "from 1 to", false},
	{"max-money-per-minute", "10.00", "-1", "an amount above 0", false},
	{"smtp", "smtps://u:p@mail.example:465", "http://u:hidden@h", "smtp://", true},
	{"mail-from", "a@b.example", "nobody", "a mail address", false},
	{"time-zone", "Europe/Berlin", "Moon/Base", "an IANA zone", false},
	{"time-zone", "UTC", "Local", "an IANA zone", false},
	{"log-level", "debug", "loud", "trace, debug", false},
	{"log-format", "console", "xml", "json, console", false},
	{"tls-cert", "", "cert.pem", "--tls-key", false},
	{"tls-key", "", "key.pem", "--tls-cert", false},
}

func TestSettings(t *testing.T) {
	clean(t)
	t.Chdir(t.TempDir())
	if err := os.Mkdir("sub", 0o700); err != nil {
		t.Fatal(err)
	}
	for _, c := range settingCases {
		variable := "TOPUPD_" + strings.ToUpper(strings.ReplaceAll(c.name, "-", "_"))
		ways := map[string]func(t *testing.T, value string) (*Config, error){
			"flag": func(t *testing.T, v string) (*Config, error) { return parse(t, "--"+c.name+"="+v) },
			"variable": func(t *testing.T, v string) (*Config, error) {
				t.Setenv(variable, v)
				return parse(t)
			},
			"file": func(t *testing.T, v string) (*Config, error) {
				return parse(t, "--config", settingsWith(t, c.name+" = '"+v+"'"))
			},
		}
		for way, give := range ways {
			t.Run(c.name+"="+c.bad+" "+way, func(t *testing.T) {
				if _, err := give(t, c.good); err != nil {
					t.Errorf("%q is refused: %v", c.good, err)
				}
				_, err := give(t, c.bad)
				if err == nil {
					t.Fatalf("%q is taken", c.bad)
				}
				text := err.Error()
				if !strings.Contains(text, c.allowed) || !strings.Contains(text, "--") || strings.Contains(text, "\n") {
					t.Errorf("the error does not help: %s", text)
				}
				if c.secret == strings.Contains(text, c.bad) && c.allowed != "--tls-key" && c.allowed != "--tls-cert" && !strings.Contains(c.bad, `"`) {
					t.Errorf("the value must be shown, a secret never: %s", text)
				}
				if strings.Contains(text, "hidden") {
					t.Errorf("a secret is shown: %s", text)
				}
			})
		}
	}
}

func settingsWith(t *testing.T, lines ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "topupd.toml")
	if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestPasswordOfTheDatabaseIsNotShown(t *testing.T) {
	for address, want := range map[string]string{
		"topupd.db": "topupd.db",
		"postgres://u:hidden@h:5433/d?sslmode=require":       "postgres://h:5433/d",
		"postgresql://h/d?user=u&password=hidden":            "postgres://h/d",
		"postgres://u:hidden@h%zz/d":                         "postgres://",
		"postgres:///d?host=/run/postgresql&password=hidden": "postgres:///d",
		// Several hosts, as PostgreSQL's own programs take them.
		"postgres://u:hidden@h1:5432,h2:5433/d?target_session_attrs=read-write": "postgres://h1:5432,h2:5433/d",
		"postgres://u:hidden@h1:5432,h2/d?target_session_attrs=read-write":      "postgres://h1:5432,h2/d",
		"postgres://u:hidden@[::1]:5432,[::2]:5433/d":                           "postgres://[::1]:5432,[::2]:5433/d",
		// A password whose characters are not encoded is taken for something else.
		"postgres://u:12/hidden@h/d":   "postgres://",
		"postgres://u:12,x/hidden@h/d": "postgres://",
		"postgres://u:12,x?hidden@h/d": "postgres://",
		"postgres://u:hidden@h1:x,h2":  "postgres://",
	} {
		if got := (&Config{DB: address}).ShownDB(); got != want {
			t.Errorf("%s is shown as %s, want %s", address, got, want)
		}
	}
}

// What is said of an address whose password is not escaped shows no piece of it, and no
// piece of it is looked up as a host or named as a database.
func TestPasswordThatIsNotEscapedIsRefused(t *testing.T) {
	clean(t)
	for _, address := range []string{
		"postgres://u:hid@den@h/db", "postgres://u:hid#den@127.0.0.1/db", "postgres://u:12#den@127.0.0.1/db", "postgres://u:hid/den@h/db",
		"postgres://u:12/den@h/db", "postgres://u:12?den@h/db", "postgres://u:12?x=den@h/db", "postgres://u:12@x/den@h/db",
		"postgres://u:hid@h1,den@h2/db", "postgres://h/db?password=hid#den", "postgres://hid@den:x@h/db",
	} {
		for name, args := range map[string][]string{
			"--db":   {"verify", "--db", address},
			"--from": {"copy", "--from", address, "--to", "new.db"},
			"--to":   {"copy", "--from", "other.db", "--to", address},
		} {
			var out, errOut bytes.Buffer
			code := Main(t.Context(), Parts{}, args, strings.NewReader(""), &out, &errOut)
			said := out.String() + errOut.String()
			if code == 0 || !strings.Contains(said, name) || !strings.Contains(said, "%40") || strings.Contains(said, "hid") || strings.Contains(said, "den") {
				t.Errorf("%s %s: %d %s", name, address, code, said)
			}
		}
		if got := shownAddress(address); got != "postgres://" {
			t.Errorf("%s is shown as %s", address, got)
		}
	}
	for _, address := range []string{"postgres://me%40cloud:p%40%23%2F%3Fss@h/d", "postgres:///d?host=/run/postgresql&user=me%40cloud"} {
		if err := postgresSetting("--db", address); err != nil {
			t.Errorf("%s: %v", address, err)
		}
	}
}

func TestSeveralHostsAreTaken(t *testing.T) {
	for address, taken := range map[string]bool{
		"postgres://u@h1,h2,h3/d?target_session_attrs=read-write": true,
		"postgres://u@h1:5432,h2/d":                               true,
		"postgres://u@[::1]:5432,h2:5433/d":                       true,
		"postgres://u@h1:5432,h%zz/d":                             false,
		"postgres://u@h1:x,h2/d":                                  false,
	} {
		var k checker
		k.database(address)
		if got := k.err == nil; got != taken {
			t.Errorf("%s: taken %v: %v", address, got, k.err)
		}
		if _, err := pgxpool.ParseConfig(address); taken && err != nil {
			t.Error(err)
		}
	}
}

func TestPostgreSQLNeedsKey(t *testing.T) {
	for _, c := range []struct {
		config Config
		ok     bool
	}{{Config{DB: "postgres://h/d"}, false}, {Config{DB: "postgres://h/d", Key: "k"}, true}, {Config{DB: "topupd.db"}, true}} {
		if err := c.config.sharedKey(); (err == nil) != c.ok {
			t.Errorf("%s with key %q: %v", c.config.DB, c.config.Key.Reveal(), err)
		}
	}
}

// Nonces are signed with what TOPUPD_KEY says, so that servers with the same believe each other's.
func TestNonceKeys(t *testing.T) {
	for text, want := range map[string][]string{"": nil, "one": {"one"}, "new, old": {"new", "old"}} {
		var got []string
		for _, key := range (&Config{Key: billing.Secret(text)}).nonceKeys() {
			got = append(got, string(key))
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestFlagBeforeVariableBeforeFile(t *testing.T) {
	clean(t)
	file := settingsWith(t, `charge-daily-count = 7`, `missed-periods = "all"`, `realm = "of-file"`, `gateway = ["sandbox"]`, `insecure = true`)
	t.Setenv("TOPUPD_CHARGE_DAILY_COUNT", "8")
	t.Setenv("TOPUPD_REALM", "of-variable")
	c, err := parse(t, "--config", file, "--realm", "of-flag")
	if err != nil {
		t.Fatal(err)
	}
	if c.Engine.Realm != "of-flag" || c.Engine.Limits.DailyCount != 8 || c.Engine.MissedPeriods != billing.MissedAll || !c.Insecure {
		t.Errorf("realm %s, count %d, missed %s, insecure %t", c.Engine.Realm, c.Engine.Limits.DailyCount, c.Engine.MissedPeriods, c.Insecure)
	}
}

func TestSettingsFileIsStrict(t *testing.T) {
	clean(t)
	for line, want := range map[string]string{
		`lisen = "127.0.0.1:1"`:    "lisen is not a setting",
		`cap-day = 10.5`:           "cap-day; allowed: a value in quotes",
		`password = "hidden"`:      "password is not a setting",
		`this is no TOML`:          "--config: ",
		`config = "other.toml"`:    "config is not a setting",
		`[section]`:                "section is not a setting",
		`trusted = [1, 2]`:         "trusted; allowed: ",
		`admin-user = "only-name"`: "TOPUPD_ADMIN_PASSWORD: it is empty",
	} {
		_, err := parse(t, "--config", settingsWith(t, line))
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hidden") {
			t.Errorf("%s: %v, want %q", line, err, want)
		}
	}
}

func TestSecretsHaveNoFlag(t *testing.T) {
	clean(t)
	for _, s := range secretSettings {
		if _, err := parse(t, "--"+s.key+"=hidden"); err == nil {
			t.Errorf("--%s is a flag", s.key)
		}
	}
	t.Setenv("TOPUPD_ADMIN_PASSWORD", "of-variable")
	c, err := parse(t, "--config", settingsWith(t, `admin-user = "ops"`, `admin-password = "of-file"`, `key = "sealing"`))
	if err != nil {
		t.Fatal(err)
	}
	if c.AdminUser != "ops" || c.AdminPassword.Reveal() != "of-variable" || c.Key.Reveal() != "sealing" {
		t.Errorf("user %s, password %s, key %s", c.AdminUser, c.AdminPassword.Reveal(), c.Key.Reveal())
	}
}

func TestAdminPasswordAlone(t *testing.T) {
	clean(t)
	t.Setenv("TOPUPD_ADMIN_PASSWORD", "a-password")
	if c, err := parse(t); err != nil || c.AdminUser != adminLogin {
		t.Errorf("user %v, error %v", c, err)
	}
}

func TestEmptyScheduleIsOff(t *testing.T) {
	clean(t)
	t.Setenv("TOPUPD_SCHEDULE_BILLING", "")
	c, err := parse(t, "--schedule-low-balance=")
	if err != nil || c.ScheduleBilling != "" || c.ScheduleLowBalance != "" {
		t.Errorf("%q, %q, %v", c.ScheduleBilling, c.ScheduleLowBalance, err)
	}
}

// An argument too many may be a password; a mistyped command is told.
func TestUsageRepeatsNoArgument(t *testing.T) {
	clean(t)
	for line, want := range map[string]string{
		"user passwd acme hunter2": "one argument too many after user passwd",
		"rekey hunter2":            "one argument too many after rekey",
		"exprot":                   "unexpected argument exprot",
		"user ad acme":             `did you mean "add"`,
	} {
		var errOut strings.Builder
		code := Main(t.Context(), Parts{}, strings.Fields(line), nil, io.Discard, &errOut)
		if code != exitUsage || !strings.Contains(errOut.String(), want) || strings.Contains(errOut.String(), "hunter2") {
			t.Errorf("%s: exit %d, %s", line, code, errOut.String())
		}
	}
}

// Card numbers are taken only where they could arrive: over our own TLS.
func TestAcceptCardNumbers(t *testing.T) {
	clean(t)
	t.Chdir(t.TempDir())
	for _, name := range []string{"cert.pem", "key.pem"} {
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, given := range []bool{false, true} {
		args := []string{"--tls-cert=cert.pem", "--tls-key=key.pem"}
		if given {
			args = append(args, "--accept-card-numbers")
		}
		c, err := parse(t, args...)
		if err != nil || c.Engine.AcceptCardNumbers != given {
			t.Errorf("given %v: %v", given, err)
		}
	}
}
