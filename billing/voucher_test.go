package billing_test

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"topupd/billing"
)

func (k *kit) vouchers(p billing.CreateVouchersParams) []billing.NewVoucher {
	k.t.Helper()
	if p.Count == 0 {
		p.Count = 1
	}
	if p.Amount == 0 {
		p.Amount, p.Currency = 30*usd, "USD"
	}
	made, err := k.engine.CreateVouchers(root(t0), p)
	k.ok(err)
	return made
}

func (k *kit) recharge(at time.Time, code, pin billing.Secret) error {
	_, err := k.engine.Recharge(root(at), billing.RechargeParams{Account: billing.Account(100), Code: code, PIN: pin})
	return err
}

// Ten at once, each with a code written in its own way: one credit.
func TestVoucherIsUsedOnce(t *testing.T) {
	k := newKit(t)
	k.seed("tok_ok")
	v := k.vouchers(billing.CreateVouchersParams{})[0]
	code := v.Code.Reveal()
	forms := []string{code, strings.ToLower(code), strings.ReplaceAll(code, "-", ""), " " + strings.ReplaceAll(code, "-", " ") + "\n"}
	var credited, refused atomic.Int64
	var all sync.WaitGroup
	for i := range 10 {
		all.Go(func() {
			err := k.recharge(t0, billing.Secret(forms[i%len(forms)]), "")
			switch {
			case err == nil:
				credited.Add(1)
			case billing.ErrorCode(err) == billing.NotFound && billing.ErrorField(err) == "voucher_id":
				refused.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	all.Wait()
	if credited.Load() != 1 || refused.Load() != 9 {
		t.Errorf("%d credited, %d refused", credited.Load(), refused.Load())
	}
	k.wantBalance(50 * usd)
	k.verify()
	list, err := k.engine.Vouchers(root(t0), 0, 10)
	k.ok(err)
	if len(list) != 1 || list[0].UsedBy != billing.Account(100) || !list[0].UsedAt.Equal(t0) || list[0].Top != billing.Customer(10) {
		t.Errorf("%+v", list)
	}
	var posted billing.Posting
	k.ok(k.engine.Snapshot(root(t0), func(r billing.Reader) (err error) {
		posted, err = r.PostingByCause("voucher:1")
		return err
	}))
	if posted.Kind != billing.PostVoucher || posted.Entries[1].Account != billing.AccountVoucher {
		t.Errorf("%+v", posted)
	}
}

// Whatever is wrong with a voucher, the answer is the same, and nothing changes.
func TestVoucherRefusals(t *testing.T) {
	k := newKit(t)
	k.seed("tok_ok")
	expired := k.vouchers(billing.CreateVouchersParams{ExpiresAt: t0.Add(time.Hour)})[0]
	pinned := k.vouchers(billing.CreateVouchersParams{PIN: true})[0]
	used := k.vouchers(billing.CreateVouchersParams{})[0]
	euro := k.vouchers(billing.CreateVouchersParams{Amount: 5 * usd, Currency: "EUR"})[0]
	k.ok(k.recharge(t0, used.Code, ""))
	k.wantBalance(50 * usd)
	k.audits()
	want := k.recharge(t0, "no such code", "")
	for name, c := range map[string]struct {
		code, pin billing.Secret
		at        time.Time
	}{
		"empty":             {"", "", t0},
		"used":              {used.Code, "", t0},
		"expired":           {expired.Code, "", t0.Add(time.Hour)},
		"no pin":            {pinned.Code, "", t0},
		"a wrong pin":       {pinned.Code, pinned.PIN + "1", t0},
		"a pin it has not":  {expired.Code, "123456", t0},
		"the pin of a code": {used.Code, pinned.PIN, t0},
	} {
		if err := k.recharge(c.at, c.code, c.pin); err == nil || err.Error() != want.Error() || billing.ErrorField(err) != "voucher_id" {
			t.Errorf("%s: %v, want %v", name, err, want)
		}
	}
	if err := k.recharge(t0, euro.Code, ""); billing.ErrorCode(err) != billing.WrongCurrency {
		t.Errorf("another currency: %v", err)
	}
	stranger := billing.WithActor(context.Background(), billing.Actor{Login: "x", Customer: billing.Customer(99)})
	for field, p := range map[string]billing.RechargeParams{
		"i_account": {Account: billing.Account(100), Code: pinned.Code, PIN: pinned.PIN},
		"username":  {Username: "alice", Code: pinned.Code, PIN: pinned.PIN},
	} {
		if _, err := k.engine.Recharge(stranger, p); billing.ErrorField(err) != field || billing.ErrorCode(err) != billing.NotFound {
			t.Errorf("out of scope: %v", err)
		}
	}
	k.wantBalance(50 * usd)
	k.wantAudits("refused")
	k.ok(k.recharge(t0.Add(59*time.Minute), expired.Code, ""))
	k.ok(k.recharge(t0, pinned.Code, " "+pinned.PIN))
	k.importOwner(func(l *billing.OwnerLine) { l.Username = billing.To("alice") })
	last := k.vouchers(billing.CreateVouchersParams{})[0]
	got, err := k.engine.Recharge(root(t0), billing.RechargeParams{Username: "alice", Code: last.Code})
	if err != nil || got.Account != billing.Account(100) || got.Value != billing.Money(30*usd, "USD") {
		t.Errorf("%+v %v", got, err)
	}
	k.wantBalance(140 * usd)
	k.verify()
}

// A recharge is a payment: it ends a suspension, and pays what was not covered.
func TestVoucherIsAPayment(t *testing.T) {
	k := newKit(t)
	k.seed("tok_declined_hard")
	k.debit(t0, 18*usd)
	k.drain(t0)
	k.importOwner(func(l *billing.OwnerLine) { l.Plan = billing.To(int64(1)) })
	k.bill(t0)
	if s := k.policy().State; s.Suspended == "" || !s.Below || k.owner().Blocked != billing.BlockBilling {
		t.Fatalf("%+v, %s", s, k.owner().Blocked)
	}
	k.audits()
	k.ok(k.recharge(t0, k.vouchers(billing.CreateVouchersParams{})[0].Code, ""))
	k.wantAudits("a recharge", `A vouchers:i_voucher=1 {"count":"1","amount":"30.00 USD"}`, `FUNDS recharge:i_account=100 {"balance":"2.0 to 32.0","currency":"USD"}`,
		`U low_balance:i_account=100 {"suspended":"hard_decline to "}`, `U accounts:i_account=100 {"blocked":"billing to "}`)
	k.wantBalance(12 * usd)
	if s := k.policy().State; s.Suspended != "" || s.Below || k.owner().Blocked != 0 {
		t.Errorf("%+v, %s", s, k.owner().Blocked)
	}
	k.verify()
}

func TestCreateVouchers(t *testing.T) {
	k := newKit(t)
	k.seed("tok_ok")
	made := k.vouchers(billing.CreateVouchersParams{Count: 200, PIN: true})
	seen := map[billing.Secret]bool{}
	for _, v := range made {
		if len(v.Code) != 23 || len(v.PIN) != 6 || strings.Trim(v.PIN.Reveal(), "0123456789") != "" || seen[v.Code] || !strings.HasSuffix(v.Code.Reveal(), v.Hint) || len(v.Hint) != 4 {
			t.Fatalf("code of %d letters, pin of %d, hint %q", len(v.Code), len(v.PIN), v.Hint)
		}
		seen[v.Code] = true
	}
	for field, p := range map[string]billing.CreateVouchersParams{
		"amount":   {Amount: 0, Currency: "USD", Count: 1},
		"currency": {Amount: usd, Currency: "XYZ", Count: 1},
		"count":    {Amount: usd, Currency: "USD", Count: billing.MaxVouchers + 1},
		"expires":  {Amount: usd, Currency: "USD", Count: 1, ExpiresAt: t0},
	} {
		if _, err := k.engine.CreateVouchers(root(t0), p); billing.ErrorField(err) != field || billing.ErrorCode(err) != billing.Invalid {
			t.Errorf("%s: %v", field, err)
		}
	}
	acme := billing.WithActor(context.Background(), billing.Actor{Login: "acme", Customer: billing.Customer(10)})
	if _, err := k.engine.CreateVouchers(acme, billing.CreateVouchersParams{Amount: usd, Currency: "USD", Count: 1}); billing.ErrorCode(err) != billing.Forbidden {
		t.Error(err)
	}
	if _, err := k.engine.Vouchers(acme, 0, 1); billing.ErrorCode(err) != billing.Forbidden {
		t.Error(err)
	}
}
