package main

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"topupd/billing/seal"
)

// planted are the secrets of the run. A new one is a field here and a row in
// table; where it goes in is a row of one of the lists of steps below.
type planted struct {
	admin, imported, added, changed, wrong string // passwords
	adminToken, stripeKey, stripeWebhook   string
	hook, smtp, database                   string
	token, declined, misplaced, member     string // of cards
	number, tested                         string // of cards: one that is refused, one of the sandbox
	cvv                                    string
	voucher, pin                           string
	subscription                           string // signs events
	oldKey, newKey, badKey                 string
}

// plant makes secrets that are in nothing else, with letters that change when
// they are encoded.
func plant() planted {
	odd := func() string { return rand.Text()[:14] + `/"p@s:\é<%+&'` + rand.Text()[:14] }
	// Letters only: some readers tell the word at which they stopped. The first is
	// fixed: after a backslash, \b, \e and \f would be right where \Z is refused.
	plain := func() string {
		return "Z" + strings.NewReplacer("2", "b", "3", "c", "4", "d", "5", "e", "6", "f", "7", "g").Replace(rand.Text())
	}
	return planted{
		admin: odd(), imported: odd(), added: odd(), changed: odd(), wrong: odd(),
		adminToken: plain(), stripeKey: "sk_live_" + plain(), stripeWebhook: "whsec_" + plain(),
		hook: odd(), smtp: odd(), database: plain(),
		token: "pm_" + plain(), declined: "pm_" + plain(), misplaced: plain(), member: odd(),
		number: "4012888888881881", tested: "5105105105105100", cvv: plain(), voucher: strings.ToUpper(plain()), pin: plain(),
		subscription: "whsec_" + base64.StdEncoding.EncodeToString([]byte(plain())),
		oldKey:       seal.Generate(), newKey: seal.Generate(), badKey: plain() + plain(),
	}
}

// exported is where tokens and logins are meant to be.
const exported = "stdout of topupd export --secrets"

// table is every secret with the places where it may be.
func (s planted) table() []secret {
	rows := []secret{
		{"TOPUPD_ADMIN_TOKEN", s.adminToken, nil},
		{"TOPUPD_STRIPE_KEY", s.stripeKey, nil},
		{"TOPUPD_STRIPE_WEBHOOK_SECRET", s.stripeWebhook, nil},
		{"TOPUPD_HOOK_SECRET", s.hook, nil},
		{"the password of TOPUPD_SMTP", s.smtp, nil},
		{"the password of a database's address", s.database, nil},
		{"a card's token", s.token, []string{exported}},
		{"a declined card's token", s.declined, nil}, // an export leaves it out
		{"the sandbox's token", "tok_ok", []string{exported}},
		{"a token in a wrong place", s.misplaced, nil},
		{"a secret in an unknown member", s.member, nil},
		{"a card number", s.number, nil},
		{"a card number that was exchanged", s.tested, nil},
		{"a CVV", s.cvv, nil},
		{"a voucher's code", s.voucher, nil}, // kept as a hash
		{"a voucher's PIN", s.pin, nil},
		{"a subscription's secret", s.subscription, []string{exported}},
		{"a malformed key", s.badKey, nil},
	}
	rows = append(rows, passwordOf("ops", s.admin, exported)...)
	rows = append(rows, passwordOf("acme", s.imported)...)
	rows = append(rows, passwordOf("robot", s.added, exported)...)
	rows = append(rows, passwordOf("acme", s.changed, exported)...)
	rows = append(rows, passwordOf("acme", s.wrong)...)
	rows = append(rows, keyOf("the older key", s.oldKey)...)
	return append(rows, keyOf("TOPUPD_KEY", s.newKey)...)
}

// TestSecretsStaySecret plants secrets wherever topupd takes them, and where
// people put them by mistake, drives every command and interface with them,
// and looks for them in all that comes out: standard output and error, logs at
// level trace, answers, mails, metrics, the pages of databases and backups.
func TestSecretsStaySecret(t *testing.T) {
	t.Parallel()
	w := newSecretWorld(t)
	t.Run("runs", func(t *testing.T) {
		for name, run := range map[string]func(*place){"main": w.mainRun, "keyfile": w.keyFileRun, "refused": w.refusals} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				run(w.place(t, name))
			})
		}
	})
	w.controls(t)
	for _, leak := range w.out.leaks(append(w.s.table(), w.found...)) {
		t.Error(leak)
	}
}

// base is the import: a card that works, one that is declined, one that is not
// used, and a login.
func (s planted) base() string {
	return fmt.Sprintf(`{"type":"plan","i_billing_plan":1,"name":"Monthly","price":"20.00","currency":"USD"}
{"type":"customer","i_customer":10,"name":"Acme","currency":"USD","email":"ops@acme.example","web_login":"acme","api_password":%s}
{"type":"account","i_account":100,"i_customer":10,"name":"Alice Rose","currency":"USD","balance":"6.00","email":"alice@acme.example"}
{"type":"account","i_account":101,"i_customer":10,"name":"Bob Stone","currency":"USD","balance":"1.00","email":"bob@acme.example","i_billing_plan":1,"next_billing_time":"2026-12-01T00:00:00Z"}
{"type":"card","i_debit_credit_card":1000,"i_account":100,"token":"tok_ok","brand":"Visa","last4":"4242","primary":true}
{"type":"card","i_debit_credit_card":1001,"i_account":101,"token":"%s","brand":"Visa","last4":"0001","primary":true,"exp_mm":12,"exp_yy":2096}
{"type":"card","i_debit_credit_card":1002,"i_account":101,"token":"%s","brand":"Visa","last4":"0002"}
{"type":"low_balance","i_account":100,"threshold":"5.00","notify_by_email":true,"charge_card":true,"charge_amount":"10.00"}
{"type":"low_balance","i_account":101,"threshold":"5.00","notify_by_email":true,"charge_card":true,"charge_amount":"10.00","br_charge_card":true}
{"type":"voucher","i_voucher":1,"code":"%s","secret_pin":"%s","amount":"0.50","currency":"USD"}
{"type":"hub_subscription","id":1,"i_customer":10,"callback":"https://events.invalid/","secret":"%s"}
`, jsonString(s.imported), s.declined, s.token, s.voucher, s.pin, s.subscription)
}

// newCard is a call that brings a card number and its CVV.
func (s planted) newCard(number, kind string) string {
	text := ""
	for _, name := range []string{"alias", "holder", "street_addr1", "state", "postal_code", "city", "phone"} {
		text += member(name, "string", "x")
	}
	return methodCall("addDebitCreditCard", member("i_account", "int", "100")+member("i_card_type", "int", kind)+member("number", "string", xmlText(number))+
		member("exp_mm", "int", "12")+member("exp_yy", "int", "2050")+member("country", "string", "US")+member("cvv", "string", s.cvv)+text)
}

func jsonString(s string) string { return `"` + string(jsonText(s, false)) + `"` }

// mainRun is an operator's day: import, a new key, a server with all its
// settings, calls, every command beside it, and after it.
func (w *secretWorld) mainRun(p *place) {
	s := w.s
	p.env = append(p.env,
		"TOPUPD_KEY="+s.newKey+","+s.oldKey, "TOPUPD_ADMIN_USER=ops", "TOPUPD_ADMIN_PASSWORD="+s.admin, "TOPUPD_ADMIN_TOKEN="+s.adminToken,
		"TOPUPD_STRIPE_KEY="+s.stripeKey, "TOPUPD_STRIPE_WEBHOOK_SECRET="+s.stripeWebhook, "TOPUPD_HOOK_SECRET="+s.hook,
		"TOPUPD_SMTP=smtp://"+url.UserPassword("mailer", s.smtp).String()+"@"+w.mails.address,
		"TOPUPD_USER=acme", "TOPUPD_PASSWORD="+s.changed)
	p.run(step{args: []string{"import", "-"}, stdin: s.base(), env: []string{"TOPUPD_KEY=" + s.oldKey}})
	p.run(step{args: []string{"rekey"}})
	p.serve()
	for _, one := range []step{
		{args: []string{"user", "add", "robot"}, stdin: s.added + "\n"},
		{args: []string{"user", "passwd", "acme"}, stdin: s.changed + "\n"},
		{args: []string{"call", "getLowBalance", "i_account:=100"}},
		{args: []string{"call", "setLowBalance", "i_account:=100", "threshold:=5.5"}},
		{args: []string{"call", "accountDebit", "i_account:=100", "amount:=2.5", "currency=USD"}},
		{args: []string{"call", "rechargeVoucher", "i_account:=100", "voucher_id=" + s.voucher, "secret_pin=" + s.pin + "x"}, fails: true},
		{args: []string{"call", "getLowBalance", "i_account:=100"}, env: []string{"TOPUPD_PASSWORD=" + s.wrong}, fails: true},
		{args: []string{"call", "getLowBalance", "i_account=" + s.misplaced}, fails: true},
		{args: []string{"call", "getLowBalance", "i_account:=100", "--url", "http://" + url.UserPassword("acme", s.changed).String() + "@" + p.address + "/none"}, fails: true},
	} {
		p.run(one)
	}
	const made = "token add crm"
	token := printedToken.FindStringSubmatch(p.run(step{args: strings.Fields(made)}))
	if token == nil {
		p.Fatal("no token was printed")
	}
	p.learn(secret{"a bearer token", token[1], []string{"stdout of topupd " + made}})
	p.requests()
	for _, path := range []string{"/docs", "/openapi.json", "/none", "/xmlapi/xmlapi", "/none?token=" + token[1]} {
		for _, given := range []string{"Bearer " + token[1], "Basic " + basic("acme", token[1]), "Basic " + basic(token[1], "x"), token[1]} {
			r := p.request("POST", path, token[1])
			r.Header["Authorization"], r.Header["Idempotency-Key"] = []string{given}, []string{token[1]}
			p.send(http.DefaultTransport, r)
		}
	}
	p.wait(`"state":"succeeded"`, `"kind":"suspended"`)
	if out := p.run(step{args: []string{"export"}}); !strings.Contains(out, `"last4":"5100"`) {
		p.Errorf("the sandbox's test number was not taken:\n%s", out)
	}
	p.keep("while the server runs")
	for _, args := range []string{
		"export", "export --secrets", "thresholds", "thresholds --format json", "charges", "charges --format csv", "charges why --account 101",
		"runs", "voucher list", "voucher list --format json", "token list", "token list --format json", "token revoke 1", "events", "events --format json", "events show 1", "events resend 1", "events subscriptions", "user list", "user disable robot", "user enable robot", "verify", "backup copy.db", "run low-balance", "run billing --dry-run --as-of 2026-12-10T00:00:00Z",
		"run billing --as-of 2026-12-10T00:00:00Z", "rekey", "migrate", "golive --customer 10", "version", "completion bash", "--help",
	} {
		p.run(step{args: strings.Fields(args)})
	}
	p.halt()
	p.keep("at the end")
}

// keyFileRun is a first start without any setting: the server makes its key
// file and its first password itself.
func (w *secretWorld) keyFileRun(p *place) {
	p.serve()
	key := filepath.Join(p.dir, "topupd.db.key")
	learnKey := func(allowed ...string) {
		p.learn(keyOf("the key file's key", strings.TrimSpace(string(p.read(key))), allowed...)...)
	}
	learnKey() // the rekey below replaces it
	first := p.madePassword(p.read(filepath.Join(p.dir, "serve.out")))
	rows := passwordOf("admin", first)
	rows[0].allowed = []string{"file: keyfile/serve.out"}
	p.learn(rows...)
	const made = "user add made --generate"
	p.learn(secret{"a generated password", p.madePassword([]byte(p.run(step{args: strings.Fields(made)}))), []string{"stdout of topupd " + made}})
	p.run(step{args: []string{"import", "-"}, stdin: strings.ReplaceAll(w.s.base(), `"web_login":"acme",`, `"web_login":"robot",`)})
	p.run(step{args: []string{"call", "--user", "admin", "getLowBalance", "i_account:=100"}, stdin: first + "\n"})
	p.run(step{args: []string{"rekey"}})
	learnKey("file: keyfile/topupd.db.key")
	// A mail server that repeats what it was told.
	p.run(step{args: []string{"run", "low-balance"}, env: []string{
		"TOPUPD_SMTP=smtp://" + url.UserPassword("refused", w.s.smtp).String() + "@" + w.mails.address,
	}})
	p.halt()
	p.keep("at the end")
}

// requests asks the server rightly and wrongly, with secrets in every part of
// a request.
func (p *place) requests() {
	s := p.s
	rpc := func(body string) *http.Request { return p.request("POST", "/xmlapi/xmlapi", body) }
	p.login("acme", s.changed, rpc(methodCall("getLowBalance", member("i_account", "int", "101"))))
	p.login("acme", s.wrong, rpc(methodCall("getLowBalance", "")))
	p.login(s.wrong, s.changed, rpc(methodCall("getLowBalance", ""))) // the password in place of the name
	p.login("ops", s.admin, rpc(methodCall("system.multicall", "")))
	// A secret as a member's value in every type, as a method, and in text that
	// is no XML. (Names of elements and encodings are told back: they say what
	// was wrong, and nobody keeps a secret there.)
	hidden := xmlText(s.misplaced)
	bodies := []string{
		methodCall(s.misplaced, ""),
		methodCall("system.methodHelp", ""),
		methodCall("accountDebit", member("i_account", "int", "100")+member("amount", "double", s.number)+member("currency", "string", hidden)),
		methodCall("accountAddFunds", member("i_account", "int", "100")+member("amount", "double", "1")+member("currency", "string", "USD")+member("payment_time", "string", hidden)),
		methodCall("getLowBalance", member("i_account", "int", "100")+member("i_wholesaler", "string", hidden)),
		methodCall("getLowBalance", member("i_account", "int", "100")+member("cvv", "string", xmlText(s.member))+member("card_number", "string", s.number)+member("password", "string", xmlText(s.changed))),
		s.newCard(s.tested, "3"), s.newCard(s.number, "1"), s.newCard(s.number, "3"), s.newCard(s.tested, "1"), s.newCard(s.number+"1", "1"), s.newCard(s.token, "1"),
		methodCall("updateDebitCreditCard", member("i_account", "int", "100")+member("i_debit_credit_card", "int", "1000")+member("number", "i8", s.number)+member("cvv", "string", s.cvv)),
		methodCall("updateDebitCreditCard", member("i_account", "int", "100")+member("i_debit_credit_card", "int", "1000")+member("alias", "string", s.number)+member("exp_yy", "int", s.number)),
		methodCall("listDebitCreditCards", member("i_account", "int", "100")),
		methodCall("setLowBalance", member("i_account", "int", s.number)+member("threshold", "double", "1")),
		methodCall("setLowBalance", member("i_account", "int", "100")+member("i_debit_credit_card", "int", s.number)),
		`<?xml version="1.0"?><methodCall><methodName>` + hidden, hidden, `{"token":"` + s.misplaced + `"}`,
		`<?xml version="1.0"?><methodCall a="` + s.misplaced + `"><methodName>x</methodName></methodCall>`,
		`<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e "` + s.misplaced + `">]><methodCall>&` + s.misplaced + `;</methodCall>`,
	}
	for _, kind := range []string{"int", "i4", "double", "boolean", "string", "dateTime.iso8601", "base64", "nil"} {
		for _, name := range []string{"i_account", "threshold", "charge_card"} {
			bodies = append(bodies, methodCall("setLowBalance", member("i_account", "int", "100")+member(name, kind, hidden)))
		}
	}
	for _, body := range bodies {
		p.login("acme", s.changed, rpc(body))
	}
	// Secrets in headers and addresses.
	for path, headers := range map[string]http.Header{
		"/metrics":  nil,
		"/readyz":   nil,
		"/healthz":  {"Authorization": {"Bearer " + s.adminToken}},
		"/metrics?": {"X-Forwarded-For": {"192.0.2.1"}, "Authorization": {"Basic " + basic("ops", s.wrong)}},
		"/metrics?password=" + url.QueryEscape(s.changed):       {"X-Forwarded-For": {"192.0.2.1"}},
		"/docs?token=" + s.misplaced:                            {"X-Forwarded-For": {"192.0.2.1"}, "Authorization": {"Basic " + basic("ops", s.admin)}},
		"/xmlapi/xmlapi?password=" + url.QueryEscape(s.changed): {"Authorization": {"Basic " + basic("acme", s.changed)}},
		"/RPC2":           {"Authorization": {"Digest username=\"acme\", response=\"" + s.misplaced + "\""}},
		"/RPC2?":          {"Authorization": {s.misplaced}},
		"/none?":          {"Authorization": {"Bearer " + s.adminToken}, "Cookie": {"session=" + s.misplaced}},
		"/webhooks/hook?": {"Stripe-Signature": {s.misplaced}, "X-Api-Key": {s.stripeKey}},
	} {
		for _, method := range []string{"GET", "POST"} {
			r := p.request(method, path, hidden)
			for name, values := range headers {
				r.Header[name] = values
			}
			p.send(http.DefaultTransport, r)
		}
	}
	for _, head := range []string{
		"GET /?password=" + s.misplaced + " HTTP/9.9\r\n\r\n",
		s.misplaced + "\r\n\r\n",
		"POST /xmlapi/xmlapi HTTP/1.1\r\nHost: x\r\nContent-Length: " + s.misplaced + "\r\n\r\n",
		"POST /xmlapi/xmlapi HTTP/1.1\r\nHost: x\r\n" + s.misplaced + "\r\n\r\n",
		"POST /xmlapi/xmlapi HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: " + s.misplaced + "\r\n\r\n",
	} {
		p.raw(head)
	}
}

// refusals are settings, files and command lines that are wrong, with a secret
// in what is wrong or beside it.
func (w *secretWorld) refusals(p *place) {
	s := w.s
	smtp := url.UserPassword("mailer", s.smtp).String()
	env := func(pairs ...string) step { return step{args: []string{"serve"}, env: pairs, fails: true} }
	configs, files := p.TempDir(), 0 // what was put in is not looked at
	config := func(text string) step {
		files++
		path := filepath.Join(configs, fmt.Sprintf("%d.toml", files))
		if err := os.WriteFile(path, []byte(text+"\n"), 0o600); err != nil {
			p.Fatal(err)
		}
		return step{args: []string{"serve", "--config", path}, fails: true}
	}
	line := func(text string) step { return step{args: []string{"import", "-"}, stdin: text + "\n", fails: true} }
	args := func(list ...string) step { return step{args: list, fails: true} }
	steps := []step{
		env("TOPUPD_KEY=" + s.badKey), env("TOPUPD_KEY=" + s.newKey + "," + s.badKey), env("TOPUPD_KEY=" + s.newKey + "," + s.newKey),
		env("TOPUPD_SMTP=" + s.smtp), env("TOPUPD_SMTP=smtp://" + smtp + "@host/path"), env("TOPUPD_SMTP=http://" + smtp + "@host"),
		env("TOPUPD_SMTP=smtp://mailer:" + s.smtp + "@host:port"), env("TOPUPD_SMTP=smtp://" + smtp + "@host:99999"),
		env("TOPUPD_DB=postgres://u:" + s.database + "@host/db"), env("TOPUPD_DB=mysql://u:" + s.database + "@host/db"),
		env("TOPUPD_ADMIN_USER=", "TOPUPD_ADMIN_PASSWORD="+s.admin), env("TOPUPD_ADMIN_USER=a:b", "TOPUPD_ADMIN_PASSWORD="+s.admin),
		env("TOPUPD_LOG_LEVEL=loud", "TOPUPD_ADMIN_PASSWORD="+s.admin, "TOPUPD_STRIPE_KEY="+s.stripeKey, "TOPUPD_ADMIN_TOKEN="+s.adminToken),
		env("TOPUPD_GATEWAY=stripe", "TOPUPD_STRIPE_URL=ftp://u:"+s.stripeKey+"@host", "TOPUPD_STRIPE_KEY="+s.stripeKey), env("TOPUPD_GATEWAY=hook", "TOPUPD_HOOK_SECRET="+s.hook),
		config(`key = "` + s.badKey + `"`), config(`key = ` + s.badKey), config(`key = "` + s.badKey), config(`key = ["` + s.badKey + `", 5]`),
		config(`admin-password = ` + s.misplaced), config(`admin-password = '` + s.misplaced), config(`admin-password = "a\` + s.misplaced + `"`),
		config(`admin-password = { x = "` + s.misplaced + `" }`), config("stripe-key = \"a\"\nstripe-key = \"" + s.stripeKey + `"`),
		config(`hook-secrett = "` + s.misplaced + `"`), config(`smtp = "` + s.misplaced + `"`), config(s.misplaced),
		line(`{"type":"card","i_debit_credit_card":1,"i_account":100,"token":"` + s.number + `"}`),
		line(`{"type":"card","i_debit_credit_card":1,"i_account":100,"token":"` + s.misplaced + `"`),
		line(`{"type":"card","i_debit_credit_card":1,"i_account":100,"tokenn":"` + s.misplaced + `"}`),
		line(`{"type":"card","i_debit_credit_card":1,"i_account":100,"token":{"a":"` + s.misplaced + `"}}`),
		line(`{"type":"card","i_debit_credit_card":1,"i_account":100,"token":` + s.number + `}`),
		line(`{"type":"card","i_debit_credit_card":"` + s.misplaced + `","i_account":100}`),
		line(`{"type":"card","i_debit_credit_card":1,"i_account":100,"exp_mm":"` + s.misplaced + `"}`),
		line(`{"type":"card","i_debit_credit_card":1,"i_account":100,"last4":"` + s.number + `"}`),
		line(`{"type":"card","i_debit_credit_card":1,"i_account":999,"token":"` + s.misplaced + `"}`),
		line(`{"type":"card","i_debit_credit_card":1,"i_account":100,"token":"` + s.misplaced + `","token":"` + s.misplaced + `"}`),
		line(`{"type":"customer","i_customer":10,"name":"x","currency":"USD","api_password":"` + s.misplaced + `"}`),
		line(`{"type":"customer","i_customer":10,"name":"x","currency":"USD","web_login":"a","api_password":` + s.number + `}`),
		line(`{"type":"customer","i_customer":10,"name":"x","currency":"USD","web_login":"a","api_ha1":"` + s.misplaced + `"}`),
		line(s.misplaced), line(`{"` + s.misplaced),
		args("user", "add", "acme", s.misplaced), args("user", "passwd", "acme", s.misplaced), args("user", "passwd", "acme", "--password", s.misplaced),
		args("user", "passwd", "acme", "--password="+s.misplaced), args("serve", "--key", s.badKey), args("serve", "--key="+s.badKey),
		args("serve", "--stripe-key="+s.stripeKey), args("rekey", s.badKey),
		args("call", "--user", "acme", "--password="+s.misplaced, "getLowBalance"),
		args("call", "--url", "http://"+url.UserPassword("acme", s.misplaced).String()+"@127.0.0.1:1/", "getLowBalance"),
		args("call", "--url", "http://acme:"+s.misplaced+"@127.0.0.1:port/", "getLowBalance"),
		args("call", "--url", "ftp://acme:"+s.misplaced+"@127.0.0.1/", "getLowBalance"),
		args("call", "getLowBalance", "token:="+s.misplaced), args("call", "getLowBalance", s.misplaced),
		args("export", "--db", "postgres://u:"+s.database+"@host/db"),
		{args: []string{"user", "add", "x:y"}, stdin: s.misplaced + "\n", fails: true},
		{args: []string{"user", "passwd", "nobody"}, stdin: s.misplaced + "\n", fails: true},
	}
	p.env = append(p.env, "TOPUPD_PASSWORD="+s.changed, "TOPUPD_ADMIN_TOKEN="+s.adminToken)
	p.run(step{args: []string{"migrate"}})
	for _, one := range steps {
		p.run(one)
	}
	p.keep("at the end")
}

// controls hold that the run did what it was for: that there was something to
// find, and that it is found where it is meant to be.
func (w *secretWorld) controls(t *testing.T) {
	for place, want := range map[string]string{
		exported:                                      w.s.token,
		"stdout of topupd charges":                    "succeeded",
		"mail":                                        "Receipt",
		"answer: GET /metrics":                        "topupd_charges_total",
		"answer: POST /xmlapi":                        "threshold",
		"answer: to no request":                       "400 Bad Request",
		"file: main/topupd.db while":                  "Alice Rose",
		"file: main/topupd.db-wal":                    "Alice Rose",
		"file: main/topupd.db at":                     "Alice Rose",
		"file: main/copy.db":                          "Alice Rose",
		"file: main/serve.err":                        `"level":"debug"`,
		"file: keyfile/topupd.db.key":                 "=",
		"stderr of topupd import":                     "-:1: ",
		"stderr of topupd serve --config":             "--config",
		"stderr of topupd run low-balance in keyfile": "wrong password redacted",
	} {
		if !bytes.Contains(w.out.at(place), []byte(want)) {
			t.Errorf("the control failed: %s has no %q", place, want)
		}
	}
	if leaks := w.out.leaks([]secret{{name: "control", value: w.s.token}}); len(leaks) == 0 {
		t.Error("the control failed: a token that was exported is not found")
	}
}
