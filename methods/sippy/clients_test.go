package sippy_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/icholy/digest"
	"github.com/kolo/xmlrpc"

	"topupd/billing"
	"topupd/server"
	"topupd/testdata/need"
)

// serve puts the kit's handler behind the real server and its Digest, and
// returns the address that panels are set up with.
func (k *kit) serve(t testing.TB, trusted ...netip.Prefix) string {
	t.Helper()
	s, err := server.New(server.Options{
		Realm: billing.DefaultSettings().Realm, Trusted: trusted,
		Logins: func(ctx context.Context, name string) (server.Login, string, bool, error) {
			c, err := k.engine.Credential(ctx, name)
			if errors.Is(err, billing.NotFound) {
				return server.Login{}, "", false, nil
			}
			return server.Login{Name: c.Login, Customer: c.Customer.Number()}, c.HA1.Reveal(), true, err
		},
	})
	must(t, err)
	s.Mount("POST /xmlapi/xmlapi", k.handler, server.XMLRPC)
	web := httptest.NewServer(s)
	t.Cleanup(web.Close)
	return web.URL + "/xmlapi/xmlapi"
}

// The vendor's own example: a form content type, and a first request without a
// body (1.2).
func TestCurl(t *testing.T) {
	curl := need.Program(t, "curl", "apt-get install curl")
	url := newKit(t).serve(t)
	call := func(user, body string, more ...string) string {
		t.Helper()
		args := append([]string{"-sS", "-k", "--digest", "-u", user, "-d", body, url}, more...)
		out, err := exec.CommandContext(t.Context(), curl, args...).CombinedOutput()
		must(t, err)
		return string(out)
	}
	set := `<?xml version="1.0"?><methodCall><methodName>setLowBalance</methodName><params><param><value><struct>` +
		`<member><name>i_account</name><value><int>100</int></value></member>` +
		`<member><name>threshold</name><value><double>5.25</double></value></member>` +
		`</struct></value></param></params></methodCall>`
	if got := call("acme:acme", set); !strings.Contains(got, "<name>result</name>\n<value><string>OK</string></value>") {
		t.Errorf("set: %s", got)
	}
	get := strings.Replace(strings.Replace(set, "setLow", "getLow", 1), "100", "101", 1)
	if got := call("acme:acme", get); !strings.Contains(got, "<name>threshold</name>\n<value><nil/></value>") {
		t.Errorf("get: %s", got)
	}
	if got := call("acme:acme", strings.Replace(get, "101", "100", 1)); !strings.Contains(got, "<name>threshold</name>\n<value><double>5.25</double></value>") {
		t.Errorf("get: %s", got)
	}
	if got := call("other:other", get); !strings.Contains(got, "<string>Wrong i_account</string>") {
		t.Errorf("another login: %s", got)
	}
	if got := call("acme:wrong", get, "-w", "%{http_code}"); !strings.HasSuffix(got, "401") || strings.Contains(got, "methodResponse") {
		t.Errorf("wrong password: %s", got)
	}
}

// python is a panel in Python 3: no module that does not come with it.
const python = `
import sys, urllib.error, urllib.request, xmlrpc.client

class Digest(xmlrpc.client.Transport):
    def __init__(self, user, password):
        super().__init__()
        passwords = urllib.request.HTTPPasswordMgrWithDefaultRealm()
        passwords.add_password(None, url, user, password)
        self.opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPDigestAuthHandler(passwords))
    def request(self, host, handler, body, verbose=False):
        self.verbose = verbose
        return self.parse_response(self.opener.open(urllib.request.Request(url, body, {"Content-Type": "text/xml"})))

url = sys.argv[1]
def login(user, password):
    return xmlrpc.client.ServerProxy(url, transport=Digest(user, password), allow_none=True)

def fault(f, *args):
    try:
        f(*args)
    except xmlrpc.client.Fault as e:
        return e.faultCode, e.faultString
    raise AssertionError("no fault")

acme = login("acme", "acme")
never = dict(result="OK", threshold=None, notify_by_email=False, charge_card=False, charge_amount=0.0, i_debit_credit_card=None,
             br_charge_card=False, br_charge_amount=None, br_i_debit_credit_card=None)
got = acme.getLowBalance(dict(i_account=100))
assert got == never, got
assert list(got) == list(never), got

wanted = dict(threshold=0.1 + 0.2, notify_by_email=True, charge_card=True, charge_amount=10, i_debit_credit_card=1000, br_charge_amount=1e1)
assert acme.setLowBalance(dict(wanted, i_account=100)) == dict(result="OK")
got = acme.getLowBalance(dict(i_account=100))
assert got == dict(never, threshold=0.3, notify_by_email=True, charge_card=True, charge_amount=10.0, i_debit_credit_card=1000, br_charge_amount=10.0), got
assert type(got["charge_amount"]) is float and type(got["charge_card"]) is bool and type(got["i_debit_credit_card"]) is int

assert acme.setLowBalance(dict(i_account=100, threshold=None, i_debit_credit_card=None, br_charge_amount=None)) == dict(result="OK")
got = acme.getLowBalance(dict(i_account=100))
assert got["threshold"] is None and got["i_debit_credit_card"] is None and got["br_charge_amount"] is None, got

assert fault(acme.getLowBalance, dict(i_account=200)) == (401, "Wrong i_account")
assert fault(acme.getLowBalance, dict(i_account=999)) == (401, "Wrong i_account")
assert fault(acme.getLowBalance, dict()) == (400, "Parameter i_account is required")
assert fault(acme.setLowBalance, dict(i_account=100, threshold=float("nan"))) == (400, "Wrong threshold")
assert fault(acme.setLowBalance, dict(i_account=100, threshold=1e-7)) == (400, "Wrong threshold")
assert fault(acme.setLowBalance, dict(i_account=100, threshold=1e300)) == (400, "Wrong threshold")
assert "we do not have a method with that name" in fault(acme.noSuchMethod, dict())[1]

money = dict(i_account=100, amount=0.1, currency="USD", payment_notes="caf\u00e9 < & >",
             payment_time=xmlrpc.client.DateTime("20260407T09:57:29"), idempotency_key="py-1")
assert acme.accountAddFunds(money) == dict(result="OK")
assert acme.accountAddFunds(money) == dict(result="OK")
assert fault(acme.accountAddFunds, dict(money, amount=0.2)) == (400, "Wrong idempotency_key")

many = xmlrpc.client.MultiCall(acme)
many.getLowBalance(dict(i_customer=11))
many.getLowBalance(dict(i_customer=20))
many.setLowBalance(dict(i_customer=11, threshold=1))
results = many()
assert results[0] == {k: v for k, v in never.items() if not k.startswith("br_")}, results[0]
assert fault(lambda: results[1]) == (401, "Wrong i_customer")
assert results[2] == dict(result="OK")

assert "setLowBalance" in acme.system.listMethods()
assert acme.system.methodSignature("customerDebit") == [["struct", "struct"]]
assert "i_account" in acme.system.methodHelp("getLowBalance")

for user, password in ("acme", "wrong"), ("nobody", "acme"):
    try:
        login(user, password).getLowBalance(dict(i_account=100))
        raise AssertionError("let in")
    except (urllib.error.HTTPError, xmlrpc.client.ProtocolError) as e:
        assert 401 in (getattr(e, "code", 0), getattr(e, "errcode", 0)), e
print("done")
`

func TestPython(t *testing.T) {
	program := need.Program(t, "python3", "apt-get install python3")
	k := newKit(t)
	script := filepath.Join(t.TempDir(), "panel.py")
	must(t, os.WriteFile(script, []byte(python), 0o600))
	out, err := exec.CommandContext(t.Context(), program, script, k.serve(t)).CombinedOutput()
	if err != nil || string(out) != "done\n" {
		t.Errorf("%v\n%s", err, out)
	}
	if got := k.balance(t, billing.Account(100)); got != "20.10 USD" {
		t.Errorf("balance %s", got)
	}
}

// koloReply is strict: the client dies for good when a type is not the field's.
type koloReply struct {
	Result        string   `xmlrpc:"result"`
	Threshold     *float64 `xmlrpc:"threshold"`
	NotifyByEmail bool     `xmlrpc:"notify_by_email"`
	ChargeCard    bool     `xmlrpc:"charge_card"`
	ChargeAmount  float64  `xmlrpc:"charge_amount"`
	Card          int64    `xmlrpc:"i_debit_credit_card"`
	BRChargeCard  bool     `xmlrpc:"br_charge_card"`
	BRAmount      float64  `xmlrpc:"br_charge_amount"`
	BRCard        int64    `xmlrpc:"br_i_debit_credit_card"`
}

func koloClient(t testing.TB, url, user, password string) *xmlrpc.Client {
	t.Helper()
	inner := &http.Transport{}
	t.Cleanup(inner.CloseIdleConnections)
	client, err := xmlrpc.NewClient(url, &digest.Transport{Username: user, Password: password, Transport: inner})
	must(t, err)
	t.Cleanup(func() { _ = client.Close() })
	return client
}

func TestKolo(t *testing.T) {
	url := newKit(t).serve(t)
	client := koloClient(t, url, "acme", "acme")
	account := map[string]any{"i_account": 100}
	var got koloReply
	must(t, client.Call("getLowBalance", account, &got))
	if got.Result != "OK" || got.ChargeAmount != 0 || got.Threshold != nil && *got.Threshold != 0 {
		t.Errorf("never configured: %+v", got)
	}
	set := map[string]any{"i_account": 100, "threshold": 10.0, "charge_card": true, "charge_amount": 12, "i_debit_credit_card": 1001}
	var reply struct {
		Result string `xmlrpc:"result"`
	}
	must(t, client.Call("setLowBalance", set, &reply))
	must(t, client.Call("getLowBalance", account, &got))
	if reply.Result != "OK" || *got.Threshold != 10 || !got.ChargeCard || got.ChargeAmount != 12 || got.Card != 1001 {
		t.Errorf("set: %+v", got)
	}
	// nil is <value/>, which is null for a number (1.6).
	must(t, client.Call("setLowBalance", map[string]any{"i_account": 100, "i_debit_credit_card": nil}, &reply))
	got = koloReply{}
	must(t, client.Call("getLowBalance", account, &got))
	if got.Card != 0 || *got.Threshold != 10 {
		t.Errorf("null: %+v", got)
	}
	// The client keeps only the text of a fault, and goes on.
	for method, in := range map[string]map[string]any{
		"Fault(401): Wrong i_account":  {"i_account": 200},
		"Fault(401): Wrong i_customer": {"i_customer": 999},
	} {
		if err := client.Call("getLowBalance", in, &got); err == nil || !strings.Contains(err.Error(), method) {
			t.Errorf("got %v, want %s", err, method)
		}
	}
	must(t, client.Call("getLowBalance", account, &got))
	if err := koloClient(t, url, "acme", "wrong").Call("getLowBalance", account, &got); err == nil || !strings.Contains(err.Error(), "401") {
		t.Errorf("wrong password: %v", err)
	}
}

// Clients in parallel: no debit is lost, and of those with one key each, sent by
// all of them, one is booked.
func TestParallelClients(t *testing.T) {
	k := newKit(t)
	url := k.serve(t)
	var group sync.WaitGroup
	for range 8 {
		client := koloClient(t, url, "acme", "acme")
		group.Go(func() {
			for i := range 10 {
				in := map[string]any{"i_account": 100, "amount": 0.1, "currency": "USD"}
				if err := client.Call("accountDebit", in, nil); err != nil {
					t.Error(err)
				}
				in["idempotency_key"] = fmt.Sprintf("night-%d", i)
				if err := client.Call("accountDebit", in, nil); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	if got := k.balance(t, billing.Account(100)); got != "11.00 USD" {
		t.Errorf("20 less 80 and 10 times 0.1 is %s", got)
	}
}

// A trusted network needs no login, and says for whom it calls (1.3).
func TestTrustedNetwork(t *testing.T) {
	k := newKit(t)
	url := k.serve(t, netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128"))
	inner := &http.Transport{}
	defer inner.CloseIdleConnections()
	client, err := xmlrpc.NewClient(url, inner)
	must(t, err)
	defer func() { _ = client.Close() }()
	move := map[string]any{"i_wholesaler": 10, "i_customer": 11, "amount": 5, "currency": "USD"}
	must(t, client.Call("customerAddFunds", move, nil))
	if a, b := k.balance(t, billing.Customer(10)), k.balance(t, billing.Customer(11)); a != "245.00 USD" || b != "55.00 USD" {
		t.Errorf("parent %s, customer %s", a, b)
	}
	move["i_wholesaler"] = 20
	if err := client.Call("customerAddFunds", move, nil); err == nil || !strings.Contains(err.Error(), "Wrong i_customer") {
		t.Errorf("out of the wholesaler's scope: %v", err)
	}
	delete(move, "i_wholesaler")
	must(t, client.Call("customerAddFunds", move, nil))
	if a := k.balance(t, billing.Customer(10)); a != "245.00 USD" {
		t.Errorf("root's call booked on customer 10: %s", a)
	}
}
