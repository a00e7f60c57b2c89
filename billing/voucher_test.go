package billing_test

import (
	"context"
	"strconv"
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
	rows := k.audits()
	for _, row := range rows {
		if !strings.HasPrefix(row, "VOUCHER_FAIL vouchers:i_account=100 {") || strings.Contains(row, pinned.Hint) || strings.Contains(row, "code") {
			t.Errorf("a refusal is told as %s", row)
		}
	}
	if len(rows) != 8 {
		t.Errorf("%d refusals are told", len(rows))
	}
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

// guesser is a login of customer 10.
func guesser(login string, at time.Time) context.Context {
	return billing.AsOf(billing.WithActor(context.Background(), billing.Actor{Login: login, Customer: billing.Customer(10), API: "test"}), at)
}

// After ten vouchers that did not work an account takes none for the hour, whoever
// asks and however right; whether the code or the PIN was wrong makes no difference.
func TestVoucherGuessesOfAnAccount(t *testing.T) {
	k := newKit(t)
	k.seed("tok_ok")
	k.ok(k.engine.Import(root(t0), false, func(im *billing.Importer) error { return im.Owner(accountLine(101)) }))
	v := k.vouchers(billing.CreateVouchersParams{Count: 3, PIN: true})
	wrongPIN := v[0].PIN + "0"
	try := func(ctx context.Context, account int64, code, pin billing.Secret) error {
		_, err := k.engine.Recharge(ctx, billing.RechargeParams{Account: billing.Account(account), Code: code, PIN: pin})
		return err
	}
	refused := func(what string, err error) {
		t.Helper()
		if billing.ErrorCode(err) != billing.NotFound || billing.ErrorField(err) != "voucher_id" || err.Error() != "this voucher does not work" {
			t.Errorf("%s: %v", what, err)
		}
	}
	k.audits()
	for i := range 9 {
		code, pin := v[0].Code, wrongPIN
		if i%2 == 0 {
			code, pin = "NO-SUCH-CODE", ""
		}
		refused("a guess", try(guesser("acme", t0.Add(time.Duration(i)*time.Minute)), 100, code, pin))
	}
	k.ok(try(guesser("acme", t0.Add(10*time.Minute)), 100, v[0].Code, v[0].PIN)) // nine are not ten, and what works takes none back
	refused("the tenth", try(guesser("acme", t0.Add(11*time.Minute)), 100, "NO-SUCH-CODE", ""))
	k.restart() // kept in the database: servers are many
	for range 5 {
		refused("a right one after ten", try(guesser("acme", t0.Add(time.Hour-time.Second)), 100, v[1].Code, v[1].PIN))
	}
	refused("of another login", try(guesser("other", t0.Add(time.Hour-time.Second)), 100, v[1].Code, v[1].PIN))
	refused("of root", try(root(t0.Add(time.Hour-time.Second)), 100, v[1].Code, v[1].PIN))
	k.ok(try(guesser("acme", t0.Add(time.Hour-time.Second)), 101, v[1].Code, v[1].PIN)) // the account's limit is its own
	k.ok(try(guesser("acme", t0.Add(time.Hour)), 100, v[2].Code, v[2].PIN))
	var fails int
	for _, row := range k.acted() {
		if strings.Contains(row, "VOUCHER_FAIL") {
			fails++
		}
		if strings.Contains(row, v[0].Code.Reveal()) || strings.Contains(row, "NO-SUCH") || strings.Contains(row, wrongPIN.Reveal()) {
			t.Errorf("a code is told: %s", row)
		}
	}
	if fails != 10 { // what is refused unseen is not told, or the log could be filled
		t.Errorf("%d rows of refusals", fails)
	}
	k.verify()
}

// The PIN of one voucher cannot be tried through many accounts and logins: after ten
// tries nobody has it for the hour. Other vouchers go on, and the account that tried is
// held as if the code were not there.
func TestVoucherGuessesOfAVoucher(t *testing.T) {
	k := newKit(t)
	k.seed("tok_ok")
	k.ok(k.engine.Import(root(t0), false, func(im *billing.Importer) error {
		for n := range int64(30) {
			if err := im.Owner(accountLine(200 + n)); err != nil {
				return err
			}
		}
		return nil
	}))
	v := k.vouchers(billing.CreateVouchersParams{Count: 4, PIN: true})
	try := func(ctx context.Context, account int64, code, pin billing.Secret) error {
		_, err := k.engine.Recharge(ctx, billing.RechargeParams{Account: billing.Account(account), Code: code, PIN: pin})
		return err
	}
	for i := range int64(9) {
		if try(guesser("login"+strconv.FormatInt(i, 10), t0), 200+i, v[0].Code, v[0].PIN+"0") == nil {
			t.Fatal("credited")
		}
	}
	k.ok(try(guesser("acme", t0), 210, v[1].Code, v[1].PIN))
	if try(guesser("acme", t0), 210, v[0].Code, "") == nil {
		t.Fatal("credited")
	}
	k.restart()
	for i, ctx := range []context.Context{guesser("acme", t0), guesser("other", t0.Add(time.Hour-time.Second)), root(t0)} {
		err := try(ctx, 211+int64(i), v[0].Code, v[0].PIN)
		if billing.ErrorCode(err) != billing.NotFound || billing.ErrorField(err) != "voucher_id" || err.Error() != "this voucher does not work" {
			t.Errorf("the right PIN after ten tries: %v", err)
		}
	}
	for range 10 {
		_ = try(guesser("acme", t0), 220, v[0].Code, v[0].PIN)
	}
	if try(guesser("acme", t0), 220, v[2].Code, v[2].PIN) == nil {
		t.Error("tries of a held voucher do not count for the account: so it shows that there is one")
	}
	k.ok(try(guesser("acme", t0), 221, v[2].Code, v[2].PIN))
	k.ok(try(guesser("acme", t0.Add(time.Hour)), 222, v[0].Code, v[0].PIN))
	k.verify()
}

// A login that guesses for many accounts is refused for all of them; others go on.
func TestVoucherGuessesOfALogin(t *testing.T) {
	k := newKit(t)
	k.seed("tok_ok")
	k.ok(k.engine.Import(root(t0), false, func(im *billing.Importer) error {
		for n := range int64(20) {
			if err := im.Owner(accountLine(200 + n)); err != nil {
				return err
			}
		}
		return nil
	}))
	v := k.vouchers(billing.CreateVouchersParams{Count: 3})
	try := func(ctx context.Context, account int64, code billing.Secret) error {
		_, err := k.engine.Recharge(ctx, billing.RechargeParams{Account: billing.Account(account), Code: code})
		return err
	}
	for i := range int64(99) {
		if try(guesser("acme", t0), 200+i%15, "NO-SUCH-CODE") == nil {
			t.Fatal("credited")
		}
	}
	k.ok(try(guesser("acme", t0), 100, v[0].Code))
	for _, ctx := range []context.Context{guesser("acme", t0), guesser("acme", t0.Add(time.Minute))} {
		if try(ctx, 216, "NO-SUCH-CODE") == nil || try(ctx, 217, v[1].Code) == nil {
			t.Error("taken after a hundred")
		}
	}
	k.ok(try(guesser("other", t0), 217, v[1].Code))
	k.ok(try(guesser("acme", t0.Add(time.Hour)), 217, v[2].Code))

	// Root, and who is trusted, may have very many people; each account is held all the same.
	trusted := billing.WithActor(root(t0), billing.Actor{Trusted: true, Customer: billing.Customer(10)})
	v = k.vouchers(billing.CreateVouchersParams{Count: 2})
	for _, ctx := range []context.Context{root(t0), trusted} {
		k.expireGuesses()
		for i := range int64(110) {
			if try(ctx, 200+i%14, "NO-SUCH-CODE") == nil {
				t.Fatal("credited")
			}
		}
	}
	k.ok(try(root(t0), 218, v[0].Code))
	k.ok(try(trusted, 219, v[1].Code))
}

// expireGuesses lets the accounts' hour be over.
func (k *kit) expireGuesses() {
	k.t.Helper()
	k.ok(k.store.Update(k.t.Context(), func(tx billing.Tx) error {
		for n := range 20 {
			g, err := tx.Guesses("account:" + strconv.Itoa(200+n))
			if err != nil {
				continue
			}
			g.Since = t0.Add(-2 * time.Hour)
			if err := tx.PutGuesses(&g); err != nil {
				return err
			}
		}
		return nil
	}))
}
