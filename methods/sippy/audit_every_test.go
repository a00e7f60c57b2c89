package sippy_test

import (
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"topupd/billing"
	"topupd/methods/sippy"
)

// written is a call that changes something: members as "name kind value".
type written struct {
	method string
	as     string
	with   []string
}

// changing is a call of every method that writes, in an order that works.
var changing = []written{
	{"setLowBalance", "acme", []string{"i_account int 100", "threshold double 5.0"}},
	{"accountAddFunds", "acme", []string{"i_account int 100", "amount double 1.0", "currency string USD"}},
	{"accountCredit", "acme", []string{"i_account int 100", "amount double 1.0", "currency string USD"}},
	{"accountDebit", "acme", []string{"i_account int 100", "amount double 1.0", "currency string USD"}},
	{"customerAddFunds", "acme", []string{"i_customer int 11", "amount double 1.0", "currency string USD"}},
	{"customerCredit", "acme", []string{"i_customer int 11", "amount double 1.0", "currency string USD"}},
	{"customerDebit", "acme", []string{"i_customer int 11", "amount double 1.0", "currency string USD"}},
	{"addDebitCreditCard", "acme", []string{
		"i_account int 101", "alias string a", "i_card_type int 1", "number string tok_ok", "holder string Alice Rose", "exp_mm int 12",
		"exp_yy int 2030", "street_addr1 string 1 Elm St", "state string MA", "postal_code string 02134", "city string Boston",
		"country string US", "phone string 15551230100",
	}},
	{"updateDebitCreditCard", "acme", []string{"i_account int 100", "i_debit_credit_card int 1000", "alias string b"}},
	{"deleteDebitCreditCard", "acme", []string{"i_account int 100", "i_debit_credit_card int 1001"}},
	{"makePayment", "acme", []string{"i_account int 100", "amount double 2.5", "currency string USD", "payer_ip_address string 192.0.2.7"}},
	{"makePaymentByCard", "acme", []string{
		"i_account int 100", "amount double 2.5", "currency string USD", "payer_ip_address string 192.0.2.7", "i_card_type int 1",
		"number string tok_ok", "holder string Alice Rose", "exp_mm int 12", "exp_yy int 2030", "street_addr1 string 1 Elm St",
		"state string MA", "postal_code string 02134", "city string Boston", "country string US", "phone string 15551230100",
	}},
	{"createAccount", "acme", []string{"username string new", "i_billing_plan int 1"}},
	{"updateAccount", "acme", []string{"i_account int 101", "voip_password string hunter2"}},
	{"blockAccount", "acme", []string{"i_account int 101"}},
	{"unblockAccount", "acme", []string{"i_account int 101"}},
	{"createCustomer", "acme", []string{"i_tariff nil ", "name string West", "web_password string hunter2"}},
	{"updateCustomer", "acme", []string{"i_customer int 11", "web_password string hunter2"}},
	{"blockCustomer", "acme", []string{"i_customer int 11"}},
	{"unblockCustomer", "acme", []string{"i_customer int 11"}},
	{"deleteCustomer", "root", []string{"i_customer int 13", "i_wholesaler int 10"}},
	{"billingRun", "acme", []string{"i_account int 102"}},
	{"rechargeVoucher", "acme", []string{"i_account int 100", "voucher_id string PLAIN-CODE"}},
	{"writeAuditLog", "root", []string{"action string U", "resource string x"}},
	{"accountDebit", "acme", []string{"i_account int 101", "amount double 20.0", "currency string USD"}},
	{"deleteAccount", "acme", []string{"i_account int 101"}},
}

// Whatever method writes leaves a row, and so does each member that an update takes.
func TestEveryWriteIsAudited(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	k.work(t)
	all := sippy.Writing()
	for _, c := range changing {
		k.audited(t, c)
	}
	for name := range all {
		if !slices.ContainsFunc(changing, func(c written) bool { return c.method == name }) {
			t.Errorf("%s writes and is not in the list", name)
		}
	}

	// Ids say what is changed. A balance and a currency do not change; the others are
	// no settings of the stored card, or of a customer.
	ids := []string{"i_account", "i_customer", "i_debit_credit_card", "balance", "payment_currency", "cvv"}
	for method, on := range map[string][]string{
		"updateAccount":         {"i_account int 102"},
		"updateCustomer":        {"i_customer int 11"},
		"setLowBalance":         {"i_account int 100"},
		"updateDebitCreditCard": {"i_account int 110", "i_debit_credit_card int 1100"},
	} {
		for _, name := range all[method] {
			if method == "setLowBalance" && name == "i_debit_credit_card" {
				k.audited(t, written{method, "root", append(on, "i_debit_credit_card int 1000")})
			}
			if slices.Contains(ids, name) {
				continue
			}
			value, known := otherValues[name]
			if !known {
				value = "string other"
			}
			more := []string{name + " " + value}
			switch {
			case name == "api_password":
				more = append(more, "web_login string another")
			case name == "web_login":
				more = append(more, "api_password string hunter2")
			case name == "number":
				more = append(more, "i_card_type int 1")
			case name == "exp_mm": // neither was known
				more = append(more, "exp_yy int 2030")
			}
			k.audited(t, written{method, "root", append(slices.Clone(on), more...)})
		}
	}
}

// otherValues are those of members that are no free text.
var otherValues = map[string]string{
	"threshold": "double 7.5", "notify_by_email": "boolean 1", "charge_card": "boolean 1", "charge_amount": "double 10.0",
	"br_charge_card": "boolean 1", "br_charge_amount": "double 3.0", "br_i_debit_credit_card": "int 1000",
	"notification_retry_count": "int 2", "notification_retry_interval": "int 3",
	"blocked": "boolean 1", "credit_limit": "double 3.0", "min_payment_amount": "double 1.0", "time_zone": "string Europe/Berlin",
	"email": "string a@example.com", "lifetime": "int 30", "on_payment_action": "int 1", "i_billing_plan": "int 2", "api_access": "int 0",
	"max_sessions": "int 3", "max_credit_time": "int 3", "i_time_zone": "int 3", "vm_enabled": "int 1", "payment_method": "int 3",
	"i_export_type": "int 3", "preferred_codec": "int 3", "use_preferred_codec_only": "boolean 1", "reg_allowed": "boolean 1",
	"welcome_call_ivr": "int 3", "trust_cli": "boolean 1", "disallow_loops": "boolean 1", "vm_del_after_fwd": "boolean 1",
	"i_password_policy": "int 3", "i_media_relay_type": "int 3", "i_routing_group": "int 3", "i_account_class": "int 3",
	"max_calls_per_second": "double 2.5", "i_tariff": "int 3", "accounts_mgmt": "int 3", "customers_mgmt": "int 3", "tariffs_mgmt": "int 3",
	"vouchers_mgmt": "int 3", "system_mgmt": "int 3", "web_login": "string second", "api_password": "string hunter2",
	"i_card_type": "int 1", "number": "string tok_ok", "exp_mm": "int 11", "exp_yy": "int 2031", "country": "string DE", "primary": "boolean 1",
}

// audited makes a call, which must work and leave a row.
func (k *kit) audited(t *testing.T, c written) {
	t.Helper()
	before := k.auditRows(t)
	var body strings.Builder
	body.WriteString(`<methodCall><methodName>` + c.method + `</methodName><params><param><value><struct>`)
	for _, member := range c.with {
		name, rest, _ := strings.Cut(member, " ")
		kind, value, _ := strings.Cut(rest, " ")
		body.WriteString(`<member><name>` + name + `</name><value><` + kind + `>` + value + `</` + kind + `></value></member>`)
	}
	body.WriteString(`</struct></value></param></params></methodCall>`)
	w := httptest.NewRecorder()
	k.handler.ServeHTTP(w, httptest.NewRequestWithContext(k.loggedIn(c.as), "POST", "/xmlapi/xmlapi", strings.NewReader(body.String())))
	if got := w.Body.String(); strings.Contains(got, "<fault>") {
		t.Errorf("%s %q: %s", c.method, c.with, got)
		return
	}
	rows := k.auditRows(t)[len(before):]
	// What workers do meanwhile is told in the names of their jobs.
	if !slices.ContainsFunc(rows, func(r billing.AuditRow) bool { return r.Actor == c.as && r.API == "xmlrpc" }) {
		t.Errorf("%s %q leaves no row", c.method, c.with)
	}
	for _, row := range rows {
		if strings.Contains(row.Info+row.Resource, "hunter2") {
			t.Errorf("%s tells a password: %+v", c.method, row)
		}
	}
}

func (k *kit) auditRows(t *testing.T) (rows []billing.AuditRow) {
	t.Helper()
	must(t, k.engine.Snapshot(as("root"), func(r billing.Reader) (err error) {
		rows, err = r.AuditRows(billing.AuditFilter{From: time.Unix(0, 0), To: time.Now().Add(time.Hour)})
		return err
	}))
	return rows
}
