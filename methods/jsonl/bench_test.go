package jsonl_test

import (
	"fmt"
	"strings"
	"testing"
)

// many is a base of n accounts, each with a card and a policy.
func many(n int) string {
	var b strings.Builder
	b.WriteString(`{"type":"customer","i_customer":10,"name":"Acme","currency":"USD"}` + "\n")
	for i := 1; i <= n; i++ {
		fmt.Fprintf(&b, `{"type":"account","i_account":%d,"i_customer":10,"username":"1555%d","name":"Alice Rose","currency":"USD","balance":"4.00","credit_limit":"0","email":"alice@acme.example"}`+"\n", i, i)
		fmt.Fprintf(&b, `{"type":"card","i_debit_credit_card":%d,"i_account":%d,"token":"tok_ok","brand":"Visa","last4":"4242","primary":true}`+"\n", i, i)
		fmt.Fprintf(&b, `{"type":"low_balance","i_account":%d,"threshold":"5.00","notify_by_email":true,"charge_card":true,"charge_amount":"10.00"}`+"\n", i)
	}
	return b.String()
}

func BenchmarkImport(b *testing.B) {
	text := many(2000)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if _, err := load(b, newEngine(b), text); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(6001*b.N)/b.Elapsed().Seconds(), "lines/s")
}
