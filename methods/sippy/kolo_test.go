package sippy_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/kolo/xmlrpc"
)

// koloPanel is the panel of testdata/clients over kolo/xmlrpc, whose client is dead for
// good once a reply has another type than the field it goes into (sippy.md 5).
func koloPanel(t *testing.T, url string) string {
	var out []string
	check := func(name string, good bool, why any) {
		if good {
			out = append(out, "ok "+name)
			return
		}
		out = append(out, fmt.Sprintf("FAILED %s: %v", name, why))
	}
	type members map[string]any
	c := koloClient(t, url, "acme", "acme")
	with := func(more members) map[string]any {
		in := map[string]any{"i_account": 100}
		for k, v := range more {
			in[k] = v
		}
		return in
	}
	ask := func(method string, in any, reply any) {
		t.Helper()
		must(t, c.Call(method, in, reply))
	}
	fault := func(method string, in any) string {
		if err := c.Call(method, in, nil); err != nil {
			return err.Error()
		}
		return "no fault"
	}
	policy := func() koloReply {
		var r koloReply
		ask("getLowBalance", with(nil), &r)
		return r
	}
	// nil becomes the zero value of what it goes into.
	isNull := func(r koloReply) bool { return r.Threshold == nil || *r.Threshold == 0 }

	var r koloReply
	ask("getLowBalance", map[string]any{"i_account": 101}, &r)
	check("nil-read", r.Result == "OK" && isNull(r), r)
	for _, null := range []struct {
		name  string
		value any
	}{{"nil-write", nil}, {"empty-null", ""}} {
		ask("setLowBalance", with(members{"threshold": 5.25}), nil)
		before := policy()
		ask("setLowBalance", with(members{"threshold": null.value}), nil)
		check(null.name, *before.Threshold == 5.25 && isNull(policy()), before)
	}
	ask("setLowBalance", with(members{"charge_amount": 10, "notify_by_email": 1}), nil)
	r = policy()
	check("ints", r.ChargeAmount == 10 && r.NotifyByEmail, r)
	ask("setLowBalance", with(members{"threshold": 1e-05}), nil)
	if r = policy(); *r.Threshold == 1e-05 {
		out = append(out, "cannot exponent: writes it out")
	} else {
		check("exponent", false, r)
	}
	var card struct {
		ID     int64  `xmlrpc:"i_debit_credit_card"`
		Number string `xmlrpc:"number"`
		Postal string `xmlrpc:"postal_code"`
		Phone  string `xmlrpc:"phone"`
		Alias  string `xmlrpc:"alias"`
	}
	ask("addDebitCreditCard", with(members{"alias": "work", "i_card_type": 1, "number": "4111111111111111", "holder": "A", "exp_mm": 12, "exp_yy": 2050,
		"street_addr1": "1 Main St", "state": "NY", "postal_code": "02134", "city": "Boston", "country": "US", "phone": "+15551234567"}), &card)
	one := members{"i_debit_credit_card": card.ID}
	ask("getDebitCreditCardInfo", with(one), &card)
	check("digits", card.Number == "1111" && card.Postal == "02134" && card.Phone == "+15551234567", card)
	faults := []string{fault("getLowBalance", map[string]any{"i_account": 999999}), fault("getLowBalance", map[string]any{}), fault("noSuchMethod", map[string]any{})}
	check("fault", strings.Contains(faults[0], "Fault(401): Wrong i_account") && strings.Contains(faults[1], "Fault(400): Parameter i_account is required") &&
		strings.Contains(faults[2], "do not have a method with that name"), faults)
	err := koloClient(t, url, "acme", "wrong").Call("getLowBalance", with(nil), nil)
	check("password", err != nil && strings.Contains(err.Error(), "401"), err)
	for range 3 {
		ask("getAccountMinutePlans", with(nil), nil)
	}
	check("three", true, nil) // on one connection, as the matrix sees
	var group sync.WaitGroup
	failed := make(chan error, 50)
	for range 50 {
		parallel := koloClient(t, url, "acme", "acme")
		group.Go(func() {
			if err := parallel.Call("getLowBalance", with(nil), nil); err != nil {
				failed <- err
			}
		})
	}
	group.Wait()
	check("parallel", len(failed) == 0, len(failed))
	text := "a & b < c > d \"\u00e9\" \u0446"
	one["alias"] = text
	ask("updateDebitCreditCard", with(one), nil)
	ask("getDebitCreditCardInfo", with(one), &card)
	check("text", card.Alias == text, card.Alias)
	var counts []int
	for _, n := range []int{0, 1, 1000} {
		var list struct {
			Accounts []struct {
				ID       int64   `xmlrpc:"i_account"`
				Username string  `xmlrpc:"username"`
				Balance  float64 `xmlrpc:"balance"`
			} `xmlrpc:"accounts"`
		}
		login := fmt.Sprint("rows", n)
		must(t, koloClient(t, url, login, login).Call("listAccounts", map[string]any{}, &list))
		counts = append(counts, len(list.Accounts))
		if n > 0 && list.Accounts[n-1].Username != fmt.Sprintf("a & b <%d> \"\u00e9\" \u0446", n) {
			counts = append(counts, -1)
		}
	}
	check("rows", fmt.Sprint(counts) == "[0 1 1000]", counts)
	return strings.Join(append(out, koloMulticall(c)), "\n")
}

// koloMulticall reads a list of which one entry is a struct, not an array.
func koloMulticall(c *xmlrpc.Client) string {
	var calls []any
	for _, id := range []int{100, 200, 101} {
		calls = append(calls, map[string]any{"methodName": "setLowBalance", "params": []any{map[string]any{"i_account": id, "charge_amount": 10}}})
	}
	var results []any
	err := c.Call("system.multicall", []any{calls}, &results)
	got := fmt.Sprint(results)
	if err == nil && got == "[[map[result:OK]] map[faultCode:401 faultString:Wrong i_account] [map[result:OK]]]" {
		return "ok multicall"
	}
	return fmt.Sprint("FAILED multicall: ", err, got)
}
