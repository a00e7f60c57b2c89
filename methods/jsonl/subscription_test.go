package jsonl_test

import (
	"strings"
	"testing"

	"topupd/billing"
)

const owners = `{"type":"customer","i_customer":10,"name":"Acme","currency":"USD"}
{"type":"account","i_account":100,"i_customer":10,"currency":"USD"}
{"type":"account","i_account":101,"i_customer":10,"currency":"USD"}
{"type":"card","i_debit_credit_card":1000,"i_account":100,"token":"tok_ok"}
`

const subscriptions = `{"type":"subscription","id":1,"i_account":100,"phoneNumber":"1555","categoryId":1,"wholeSalesPartnerId":9,"salesCode":"x"}
{"type":"payment","id":1,"i_account":100,"amount":"2.00","currency":"USD","i_debit_credit_card":1000,"status":"paid"}
`

const orderMembers = `"subscription":1,"payment":1,"orderTypeId":2,"statusId":3,"createdDate":"2026-11-22T12:00:00.123456Z","date":"2026-11-22T12:00:00Z","phoneNumber":"1555"`

// A payment that was used stays used where an export is imported, and its order and card
// come along; lines may come in any order, and again.
func TestExportKeepsOrders(t *testing.T) {
	e := newEngine(t)
	_, err := load(t, e, subscriptions+`{"type":"subscription","id":2,"i_customer":10,"phoneNumber":"","state":"terminated"}
{"type":"payment","id":9,"i_customer":10,"amount":"0.10","currency":"USD","status":"pending"}
`+owners)
	must(t, err)
	order, err := e.EnableAutoTopup(root(t), billing.EnableAutoTopupParams{Subscription: 1, Payment: 1, Threshold: 1})
	must(t, err)
	// Neither the policy nor a charge keeps the card in the export now, the payment does.
	must(t, e.SetLowBalance(root(t), billing.SetLowBalanceParams{Owner: billing.Account(100), Card: billing.ToNull[billing.CardID]()}))
	must(t, e.DeleteCard(root(t), billing.Account(100), 1000))
	_, err = load(t, e, `{"type":"subscription","id":1,"i_account":100,"salesCode":null,"wholeSalesPartnerId":null}`)
	must(t, err)
	first := dump(t, e, true)
	for _, want := range []string{
		`{"type":"subscription","id":1,"i_account":100,"phoneNumber":"1555","categoryId":1,"wholeSalesPartnerId":null,"salesCode":null}`,
		`{"type":"subscription","id":2,"i_customer":10,"phoneNumber":"","categoryId":null,"wholeSalesPartnerId":null,"salesCode":null,"state":"terminated"}`,
		`"phoneNumber":"1555","categoryId":1,"wholeSalesPartnerId":9,"salesCode":"x"}`, // the order's
		`{"type":"payment","id":9,"i_customer":10,"amount":"0.10","currency":"USD","i_debit_credit_card":null,"status":"pending"}`,
	} {
		if !strings.Contains(first, want+"\n") {
			t.Errorf("the export lacks %s:\n%s", want, first)
		}
	}
	other := newEngine(t)
	for range 2 {
		_, err = load(t, other, first)
		must(t, err)
		if got := dump(t, other, true); got != first {
			t.Errorf("the second export differs:\n%s\n%s", first, got)
		}
	}
	_, err = load(t, e, first) // over itself
	must(t, err)
	if got := dump(t, e, true); got != first {
		t.Errorf("an import over itself changed something:\n%s", got)
	}
	// The imported order is the answer to the same payment, and nothing is credited.
	_, err = load(t, other, `{"type":"subscription","id":3,"i_account":100,"phoneNumber":"1"}`)
	must(t, err)
	_, err = other.EnableAutoTopup(root(t), billing.EnableAutoTopupParams{Subscription: 3, Payment: 1, Threshold: 1})
	if billing.ErrorCode(err) != billing.Conflict {
		t.Errorf("a used payment was taken again: %v", err)
	}
	must(t, other.Snapshot(root(t), func(r billing.Reader) error {
		o, err := r.OrderByPayment(1)
		if o.ID != order.ID || !o.CreatedAt.Equal(order.CreatedAt) || o.Posting != 0 {
			t.Errorf("%+v", o)
		}
		return err
	}))
}

// Lines that are refused leave everything as it was.
func TestSubscriptionLinesRefused(t *testing.T) {
	e := newEngine(t)
	_, err := load(t, e, owners+subscriptions+`{"type":"order","id":5,`+orderMembers+`}
{"type":"payment","id":2,"i_account":100,"amount":"2.00","currency":"USD","status":"pending"}
{"type":"payment","id":3,"i_account":101,"amount":"2.00","currency":"USD","status":"paid"}`)
	must(t, err)
	before := dump(t, e, true)
	for want, text := range map[string]string{
		"id is missing":                           `{"type":"subscription","i_account":100,"phoneNumber":"1"}`,
		"i_account or i_customer":                 `{"type":"subscription","id":7,"phoneNumber":"1"}`,
		"give one of the two":                     `{"type":"payment","id":7,"i_account":100,"i_customer":10,"amount":"1","currency":"USD","status":"paid"}`,
		"phoneNumber is missing":                  `{"type":"subscription","id":7,"i_account":100}`,
		"phoneNumber: it cannot be null":          `{"type":"subscription","id":7,"i_account":100,"phoneNumber":null}`,
		"phoneNumber: a string is needed":         `{"type":"subscription","id":7,"i_account":100,"phoneNumber":1}`,
		"ids are above 0":                         `{"type":"subscription","id":0,"i_account":100,"phoneNumber":"1"}`,
		"there is no account 999":                 `{"type":"subscription","id":7,"i_account":999,"phoneNumber":"1"}`,
		"categoryId: an integer is needed":        `{"type":"subscription","id":7,"i_account":100,"phoneNumber":"1","categoryId":"1"}`,
		`state: "asleep" is not known`:            `{"type":"subscription","id":7,"i_account":100,"phoneNumber":"1","state":"asleep"}`,
		"colour is not a member":                  `{"type":"subscription","id":7,"i_account":100,"phoneNumber":"1","colour":"red"}`,
		"subscription 1 has orders":               `{"type":"subscription","id":1,"i_account":101}`,
		"amount is missing":                       `{"type":"payment","id":7,"i_account":100,"currency":"USD","status":"paid"}`,
		"currency is missing":                     `{"type":"payment","id":7,"i_account":100,"amount":"1","status":"paid"}`,
		"status is missing":                       `{"type":"payment","id":7,"i_account":100,"amount":"1","currency":"USD"}`,
		"money is a decimal string":               `{"type":"payment","id":7,"i_account":100,"amount":1,"currency":"USD","status":"paid"}`,
		"more than six fractional digits":         `{"type":"payment","id":7,"i_account":100,"amount":"0.0000001","currency":"USD","status":"paid"}`,
		"amount: above 0":                         `{"type":"payment","id":7,"i_account":100,"amount":"0","currency":"USD","status":"paid"}`,
		"amount: above 0, at most 1000000000":     `{"type":"payment","id":7,"i_account":100,"amount":"1000000000.01","currency":"USD","status":"paid"}`,
		`currency: "XXX" is not known`:            `{"type":"payment","id":7,"i_account":100,"amount":"1","currency":"XXX","status":"paid"}`,
		"status: 1 to 64":                         `{"type":"payment","id":7,"i_account":100,"amount":"1","currency":"USD","status":""}`,
		"account 101 has no card 1000":            `{"type":"payment","id":7,"i_account":101,"amount":"1","currency":"USD","i_debit_credit_card":1000,"status":"paid"}`,
		"payment 1 was used and stays as it is":   `{"type":"payment","id":1,"i_account":100,"status":"refunded"}`,
		"subscription is missing":                 `{"type":"order","id":7}`,
		"createdDate: a time is needed":           `{"type":"order","id":7,"createdDate":"yesterday"}`,
		"date: it cannot be null":                 `{"type":"order","id":7,"date":null}`,
		"order 5 is another one":                  `{"type":"order","id":5,` + strings.Replace(orderMembers, "1555", "1556", 1) + `}`,
		"payment 1 was used by another order":     `{"type":"order","id":7,` + orderMembers + `}`,
		"there is no payment 8":                   `{"type":"order","id":7,` + strings.Replace(orderMembers, `"payment":1`, `"payment":8`, 1) + `}`,
		"there is no subscription 8":              `{"type":"order","id":7,` + strings.Replace(orderMembers, `"subscription":1`, `"subscription":8`, 1) + `}`,
		"payment 2 is not a paid one":             `{"type":"order","id":7,` + strings.Replace(orderMembers, `"payment":1`, `"payment":2`, 1) + `}`,
		"payment 3 is not a paid one of the subs": `{"type":"order","id":7,` + strings.Replace(orderMembers, `"payment":1`, `"payment":3`, 1) + `}`,
		"orderTypeId: 1 to 3":                     `{"type":"order","id":7,` + strings.Replace(orderMembers, `"orderTypeId":2`, `"orderTypeId":4`, 1) + `}`,
		"statusId: 1 to 4":                        `{"type":"order","id":7,` + strings.Replace(orderMembers, `"statusId":3`, `"statusId":0`, 1) + `}`,
	} {
		if _, err := load(t, e, text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
	if got := dump(t, e, true); got != before {
		t.Errorf("something changed:\n%s", got)
	}
}
