package jsonl_test

import (
	"strings"
	"testing"
	"time"

	"topupd/billing"
)

// Vouchers that are not used survive into an empty database, and work there once.
func TestVouchersSurvive(t *testing.T) {
	e := newEngine(t)
	base := `{"type":"customer","i_customer":10,"name":"Acme","currency":"USD"}
{"type":"account","i_account":100,"i_customer":10,"currency":"USD","balance":"20.00"}
`
	_, err := load(t, e, base+`{"type":"voucher","i_voucher":500,"code":"1234 5678-abcd","secret_pin":"42","amount":"7.50","currency":"USD","expires":"2099-01-01T00:00:00Z"}`)
	must(t, err)
	made, err := e.CreateVouchers(root(t), billing.CreateVouchersParams{Amount: 5 * billing.Micro, Currency: "USD", Count: 2, PIN: true})
	must(t, err)
	use := func(e *billing.Engine, code, pin billing.Secret) error {
		_, err := e.Recharge(root(t), billing.RechargeParams{Account: billing.Account(100), Code: code, PIN: pin})
		return err
	}
	must(t, use(e, made[0].Code, made[0].PIN))

	if plain := dump(t, e, false); strings.Contains(plain, "voucher") {
		t.Errorf("vouchers without secrets:\n%s", plain)
	}
	first := dump(t, e, true)
	if strings.Count(first, `"type":"voucher"`) != 2 || strings.Contains(first, `"i_voucher":501`) {
		t.Errorf("the export:\n%s", first)
	}
	for _, secret := range []string{"12345678", "1234 5678", made[1].Code.Reveal(), made[1].PIN.Reveal() + `"`} {
		if strings.Contains(first, secret) {
			t.Errorf("the export tells a code or PIN")
		}
	}
	other := newEngine(t)
	_, err = load(t, other, first)
	must(t, err)
	if got := dump(t, other, true); got != first {
		t.Errorf("the second export differs:\n%s\n%s", first, got)
	}
	must(t, use(other, "12345678ABCD", "42"))
	must(t, use(other, made[1].Code, made[1].PIN))
	for _, v := range made {
		if err := use(other, v.Code, v.PIN); billing.ErrorField(err) != "voucher_id" {
			t.Errorf("a used voucher: %v", err)
		}
	}
	// The older export does not bring back what was used since.
	_, err = load(t, other, first)
	must(t, err)
	if err := use(other, "12345678ABCD", "42"); billing.ErrorField(err) != "voucher_id" {
		t.Errorf("used, then imported again: %v", err)
	}
	// A line changes what it gives while a voucher is not used.
	_, err = load(t, e, `{"type":"voucher","i_voucher":500,"amount":"9.00","expires":null}`)
	must(t, err)
	list, err := e.Vouchers(root(t), 0, 1)
	must(t, err)
	if list[0].Amount != 9*billing.Micro || !list[0].ExpiresAt.IsZero() || list[0].State(time.Now()) != billing.VoucherNew {
		t.Errorf("%+v", list[0])
	}
	for line, want := range map[string]string{
		`{"type":"voucher","code":"ABCDEFGH"}`:                                                           "i_voucher is missing",
		`{"type":"voucher","i_voucher":9,"amount":"1.00","currency":"USD"}`:                              "a new voucher needs code",
		`{"type":"voucher","i_voucher":9,"code":"ABC","amount":"1.00","currency":"USD"}`:                 "at least 8",
		`{"type":"voucher","i_voucher":9,"code":"12345678abcd","amount":"1.00","currency":"USD"}`:        "another voucher has this code",
		`{"type":"voucher","i_voucher":500,"code":"ABCDEFGH"}`:                                           "another code or PIN",
		`{"type":"voucher","i_voucher":9,"code":"ABCDEFGH","amount":"0","currency":"USD"}`:               "amount",
		`{"type":"voucher","i_voucher":9,"code":"ABCDEFGH","amount":"1.00","currency":"XYZ"}`:            "currency",
		`{"type":"voucher","i_voucher":9,"code_hash":"00","amount":"1.00","currency":"USD"}`:             "64 hexadecimal digits",
		`{"type":"voucher","i_voucher":9,"secret_pin":"1","amount":"1","currency":"USD","code_hash":""}`: "code",
	} {
		if _, err := load(t, e, line); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", line, err)
		}
	}
}
