package tmf654_test

import (
	"context"
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"

	"topupd/billing"
	"topupd/methods/jsonl"
	"topupd/methods/tmf654"
)

// TestToldErrors: an error names a member of the standard and says why.
func TestToldErrors(t *testing.T) {
	k := newKit(t)
	const expired = `{"type":"card","i_debit_credit_card":1004,"i_account":104,"gateway":"sandbox","token":"tok_ok","brand":"Visa","last4":"4242","exp_mm":1,"exp_yy":2020}` + "\n"
	if _, err := jsonl.Import(k.as("root"), k.e, jsonl.ImportOptions{Source: strings.NewReader(expired), Name: "seed"}); err != nil {
		t.Fatal(err)
	}
	err := k.store.Update(context.Background(), func(tx billing.Tx) error {
		return tx.SetBlocked(billing.Account(103), billing.BlockOperator, t0)
	})
	if err != nil {
		t.Fatal(err)
	}
	const erin, dan = "0.0.0.1+-account+104", "0.0.0.1+-account+103"
	for _, c := range []struct {
		method, path, body string
		code, member, why  string
	}{
		{"POST", "topupBalance", usd("2", of("partyAccount", erin)), "not_found", "paymentMethod.id", "no primary card"},
		{"POST", "topupBalance", usd("2", of("partyAccount", erin)+","+of("paymentMethod", "0.0.0.1+-payinfo-cc+1001")), "not_found", "paymentMethod.id", "no such card"},
		{"POST", "topupBalance", usd("2", of("partyAccount", erin)+","+of("paymentMethod", "0.0.0.1+-payinfo-cc+1004")), "not_found", "paymentMethod.id", "Visa 4242 has expired"},
		{"POST", "topupBalance", usd("2", of("partyAccount", alice)+`,"voucher":"AAAAA-BBBBB-CCCCC-DDDDD"`), "not_found", "voucher", "does not work"},
		{"POST", "topupBalance", usd("0", of("partyAccount", alice)), "invalid", "amount.amount", "above 0"},
		{"POST", "topupBalance", usd("2", of("partyAccount", alice)+`,"isAutoTopup":true,"recurringPeriod":"daily","numberOfPeriods":0`), "invalid", "numberOfPeriods", "1 to 1000000"},
		{"POST", "topupBalance", usd("2", of("partyAccount", alice)+`,"isAutoTopup":true,"recurringPeriod":"daily","numberOfPeriods":"1000001"`), "invalid", "numberOfPeriods", "1 to 1000000"},
		{"POST", "topupBalance", usd("2", of("partyAccount", alice)+`,"isAutoTopup":true,"recurringPeriod":"daily","numberOfPeriods":"two"`), "invalid", "numberOfPeriods", "1 to 1000000"},
		{"POST", "adjustBalance", usd("9223372036854.775807", of("partyAccount", alice)), "overflow", "amount.amount", "more than can be kept"},
		{"POST", "adjustBalance", `{"amount":{"amount":1,"units":"EUR"},` + of("partyAccount", alice) + `}`, "wrong_currency", "amount.units", "kept in USD"},
		{"POST", "adjustBalance", usd("-1000", of("partyAccount", alice)), "conflict", "amount.amount", "available"},
		{"POST", "bucket", `{"usageType":"monetary","remainingValue":{"amount":0,"units":"EUR"},` + of("partyAccount", alice) + `}`, "wrong_currency", "remainingValue.units", "kept in USD"},
		{"POST", "bucket", `{"usageType":"monetary","reservedValue":{"amount":0,"units":"EUR"},` + of("partyAccount", alice) + `}`, "wrong_currency", "reservedValue.units", "kept in USD"},
		{"POST", "transferBalance", usd("1", of("partyAccount", dan)+","+of("receiverPartyAccount", bob)), "conflict", "partyAccount.id", "is blocked"},
		{"POST", "transferBalance", usd("1", of("partyAccount", alice)+","+of("receiverPartyAccount", alice)), "invalid", "receiverBucket.id", "to itself"},
		{"POST", "transferBalance", usd("1", of("partyAccount", alice)+","+of("receiverPartyAccount", bob)+`,"receiver":7`), "invalid", "receiver", "receiver has"},
		{"GET", "reserveBalance/0.0.0.1+-reservation+29", ``, "not_found", "", "there is no such reservation"},
		{"DELETE", "reserveBalance/0.0.0.1+-reservation+29", ``, "not_found", "", "there is no such reservation"},
		{"PATCH", "adjustBalance/0.0.0.1+-adjustment+29", `{}`, "not_found", "", "there is no such adjustment"},
		{"GET", "topupBalance/0.0.0.1+-topup+29", ``, "not_found", "", "there is no such top-up"},
	} {
		_, text := k.call("root", c.method, base+"/"+c.path, c.body)
		var f struct{ Code, Message, Reason string }
		if err := json.Unmarshal([]byte(text), &f); err != nil {
			t.Fatal(err)
		}
		if f.Code != c.code || f.Message != c.member || !strings.Contains(f.Reason, c.why) {
			t.Errorf("%s %s %s: %+v, want %s, %s: %s", c.method, c.path, c.body, f, c.code, c.member, c.why)
		}
	}
	// What the server finds is told as what the interface finds by itself.
	w := httptest.NewRecorder()
	tmf654.New(k.e, tmf654.Options{}).Refuse(w, nil, 409, "m")
	if text := w.Body.String(); !strings.Contains(text, `"code":"key_reused"`) || !strings.Contains(text, `"message":"Idempotency-Key"`) {
		t.Errorf("a key of another request: %s", text)
	}
}
