package tmf654_test

import (
	"fmt"
	"strings"
	"testing"

	"topupd/billing"
)

// TestVoucher: a voucher is redeemed once, instead of a card, for what it is worth.
func TestVoucher(t *testing.T) {
	k := newKit(t)
	made, err := k.e.CreateVouchers(k.as("root"), billing.CreateVouchersParams{Amount: 2 * billing.Micro, Currency: "USD", Count: 2})
	if err != nil {
		t.Fatal(err)
	}
	post := func(amount, code string) string {
		return `{"amount":{"amount":` + amount + `,"units":"USD"},"partyAccount":{"id":"` + alice + `"},"voucher":"` + code + `"}`
	}
	code := made[0].Code.Reveal()
	k.refused("root", "POST", base+"/topupBalance", post("2", "   "), 400, "invalid", "voucher")
	k.refused("root", "POST", base+"/topupBalance", post("3", code), 400, "invalid", "amount")
	got := k.object(201, "root", "POST", base+"/topupBalance", post("2", code))
	if got["status"] != "CONFIRMED" || got["paymentMethod"] != nil || got["payment"] == nil || got["voucher"] != "****"+code[len(code)-4:] {
		t.Errorf("%v", got)
	}
	k.expect("CONFIRMED", 194)
	k.refused("root", "POST", base+"/topupBalance", post("2", code), 400, "not_found", "voucher")
	if text := k.must(200, "root", "GET", base+"/topupBalance", ""); strings.Contains(text, code) {
		t.Error("the code is told again")
	}
	// Wrong codes are counted, also under a key, until none works.
	for n := range 40 {
		k.send("root", "POST", base+"/topupBalance", post("2", "AAAAA-BBBBB-CCCCC-DDDDD"), "Idempotency-Key", fmt.Sprint("guess", n))
	}
	k.refused("root", "POST", base+"/topupBalance", post("2", made[1].Code.Reveal()), 400, "not_found", "voucher")
	k.expect("CONFIRMED", 194)
	k.verify()
}
