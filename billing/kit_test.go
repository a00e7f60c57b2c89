package billing_test

import (
	"context"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"topupd/billing"
	"topupd/billing/gateway/sandbox"
	"topupd/db"
	"topupd/db/dbtest"
)

// kit is an engine over a real database and the sandbox gateway, with a
// mailbox in place of a mail server.
type kit struct {
	t       testing.TB
	address string // of the database
	keys    string // the path of the key file
	options db.Options
	store   *db.Store
	engine  *billing.Engine
	gateway *sandbox.Gateway
	mailbox *mailbox
	config  billing.Config
	audited int64 // rows that audits returned
}

func newKit(t testing.TB, change ...func(*billing.Config)) *kit {
	k := &kit{t: t, address: dbtest.Address(t), options: dbtest.Options(), keys: filepath.Join(t.TempDir(), "t.db.key"), mailbox: &mailbox{}}
	k.gateway = sandbox.New(sandbox.WithTimeout(5*time.Millisecond), sandbox.WithSlow(5*time.Millisecond))
	k.config = billing.Config{
		Gateways: []billing.Gateway{k.gateway}, Mailer: k.mailbox, Sealer: plainSealer{}, Observer: strict{t: t},
		Settings: billing.DefaultSettings(),
	}
	k.config.Settings.GatewayTimeout = 50 * time.Millisecond
	for _, c := range change {
		c(&k.config)
	}
	k.open()
	t.Cleanup(func() { k.store.Close() })
	return k
}

func (k *kit) open() {
	var err error
	if k.store, err = db.Open(context.Background(), k.address, k.options); err != nil {
		k.t.Fatal(err)
	}
	k.config.Store = k.store
	k.engine = billing.New(k.config)
}

// restart is what a new process finds.
func (k *kit) restart() {
	if err := k.store.Close(); err != nil {
		k.t.Fatal(err)
	}
	k.open()
}

// root acts as the operator at a moment.
func root(at time.Time) context.Context {
	ctx := billing.WithActor(context.Background(), billing.Actor{Login: "root", Customer: billing.Root, API: "test"})
	return billing.AsOf(ctx, at)
}

func (k *kit) ok(err error) {
	k.t.Helper()
	if err != nil {
		k.t.Fatal(err)
	}
}

const usd = billing.Micro

// seed is a customer 10 with account 100, its card 1000 and a policy: low below
// 5, charge 10; balance 20.
func (k *kit) seed(token string) {
	k.t.Helper()
	k.ok(k.engine.Import(root(t0), false, func(im *billing.Importer) error {
		if err := im.Plan(billing.PlanLine{ID: 1, Name: billing.To("Monthly"), Price: billing.To(int64(20 * usd)), Currency: billing.To("USD")}); err != nil {
			return err
		}
		if err := im.Owner(billing.OwnerLine{Owner: billing.Customer(10), Name: billing.To("Acme"), Currency: billing.To("USD"), Balance: billing.To(int64(500 * usd)), Email: billing.To("ops@acme.example")}); err != nil {
			return err
		}
		if err := im.Owner(accountLine(100)); err != nil {
			return err
		}
		if err := im.Card(billing.CardLine{ID: 1000, Owner: billing.Account(100), Token: billing.To(billing.Secret(token)), Brand: billing.To("Visa"), Last4: billing.To("4242"), Primary: billing.To(true)}); err != nil {
			return err
		}
		return im.LowBalance(billing.SetLowBalanceParams{
			Owner: billing.Account(100), Threshold: billing.To(int64(5 * usd)), NotifyByEmail: billing.To(true),
			ChargeCard: billing.To(true), ChargeAmount: billing.To(int64(10 * usd)),
		})
	}))
}

func accountLine(n int64) billing.OwnerLine {
	return billing.OwnerLine{
		Owner: billing.Account(n), Parent: billing.To(int64(10)), Name: billing.To("Alice Rose"), Currency: billing.To("USD"),
		Balance: billing.To(int64(20 * usd)), Email: billing.To("alice@acme.example"),
	}
}

// lowAccounts are accounts from first to last with a balance of 20 below their
// threshold of 25, each with a card that a sweep charges 10.
func (k *kit) lowAccounts(ctx context.Context, first, last int64) {
	k.t.Helper()
	k.ok(k.engine.Import(ctx, false, func(im *billing.Importer) error {
		for n := first; n <= last; n++ {
			o := billing.Account(n)
			if err := im.Owner(accountLine(n)); err != nil {
				return err
			}
			if err := im.Card(billing.CardLine{ID: billing.CardID(n), Owner: o, Token: billing.To(billing.Secret("tok_ok")), Primary: billing.To(true)}); err != nil {
				return err
			}
			err := im.LowBalance(billing.SetLowBalanceParams{
				Owner: o, Threshold: billing.To(int64(25 * usd)), ChargeCard: billing.To(true), ChargeAmount: billing.To(int64(10 * usd)),
			})
			if err != nil {
				return err
			}
		}
		return nil
	}))
}

func (k *kit) set(at time.Time, p billing.SetLowBalanceParams) {
	k.t.Helper()
	if p.Owner == 0 {
		p.Owner = billing.Account(100)
	}
	k.ok(k.engine.SetLowBalance(root(at), p))
}

func (k *kit) move(at time.Time, kind billing.PostingKind, micros int64) {
	k.t.Helper()
	_, err := k.engine.MoveFunds(root(at), billing.MoveFundsParams{Owner: billing.Account(100), Kind: kind, Amount: micros, Currency: "USD"})
	k.ok(err)
}

func (k *kit) debit(at time.Time, micros int64) { k.t.Helper(); k.move(at, billing.PostDebit, micros) }

func (k *kit) drain(at time.Time) { k.t.Helper(); k.ok(k.engine.Drain(root(at))) }

func (k *kit) sweep(at time.Time) billing.Run {
	k.t.Helper()
	run, _, err := k.engine.RunLowBalance(root(at), billing.RunParams{Trigger: "command"})
	k.ok(err)
	k.drain(at)
	return run
}

func (k *kit) bill(at time.Time) billing.Run {
	k.t.Helper()
	run, _, err := k.engine.RunBilling(root(at), billing.RunParams{Trigger: "command"})
	k.ok(err)
	k.drain(at)
	run, err = k.engine.RunReport(root(at), run.ID)
	k.ok(err)
	return run
}

func (k *kit) balance(o billing.OwnerID) (micros int64) {
	k.t.Helper()
	k.ok(k.engine.Snapshot(root(t0), func(r billing.Reader) error {
		b, err := r.Bucket(o, "USD")
		micros = b.Balance
		return err
	}))
	return micros
}

func (k *kit) wantBalance(want int64) {
	k.t.Helper()
	if got := k.balance(billing.Account(100)); got != want {
		k.t.Fatalf("balance %s, want %s", billing.FormatMicros(got), billing.FormatMicros(want))
	}
}

// charges are the charges of account 100, oldest first.
func (k *kit) charges() []billing.ChargeRow {
	k.t.Helper()
	rows, err := k.engine.Charges(root(t0), billing.ChargeFilter{Owner: billing.Account(100), Limit: 1000})
	k.ok(err)
	slices.Reverse(rows)
	return rows
}

func (k *kit) wantStates(want ...billing.ChargeState) []billing.ChargeRow {
	k.t.Helper()
	rows := k.charges()
	var got []billing.ChargeState
	for _, r := range rows {
		got = append(got, r.Charge.State)
	}
	if !slices.Equal(got, want) {
		k.t.Fatalf("charges %v, want %v", got, want)
	}
	return rows
}

func (k *kit) wantReason(want billing.Reason) {
	k.t.Helper()
	list, err := k.engine.Why(root(t0), billing.Account(100), 0, 1)
	k.ok(err)
	if len(list) == 0 || list[0].Reason != want {
		k.t.Fatalf("the last kept decision is %+v, want reason %q", list, want)
	}
}

func (k *kit) policy() billing.LowBalance {
	k.t.Helper()
	p, err := k.engine.GetLowBalance(root(t0), billing.Account(100))
	k.ok(err)
	return p
}

func (k *kit) owner() (o billing.Owner) {
	k.t.Helper()
	k.ok(k.engine.Snapshot(root(t0), func(r billing.Reader) (err error) {
		o, err = r.Owner(billing.Account(100))
		return err
	}))
	return o
}

func (k *kit) verify() {
	k.t.Helper()
	wrong, err := k.engine.Verify(root(t0), 10)
	k.ok(err)
	if len(wrong) > 0 {
		k.t.Fatalf("verify: %v", wrong)
	}
}

// plainSealer keeps tests of rules free of keys.
type plainSealer struct{}

func (plainSealer) Seal(p billing.Secret, aad string) ([]byte, error) {
	return []byte(aad + "\x00" + p.Reveal()), nil
}

func (plainSealer) Open(b []byte, aad string) (billing.Secret, error) {
	if len(b) < len(aad)+1 || string(b[:len(aad)]) != aad {
		return "", billing.Errorf(billing.Internal, "", "sealed for another row")
	}
	return billing.Secret(b[len(aad)+1:]), nil
}

// mailbox is a Mailer that keeps what it was given.
type mailbox struct {
	mu    sync.Mutex
	mails []billing.Mail
	fail  error
}

func (m *mailbox) Send(_ context.Context, mail billing.Mail) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		return m.fail
	}
	m.mails = append(m.mails, mail)
	return nil
}

// take returns the subjects since the last take.
func (m *mailbox) take() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var subjects []string
	for _, mail := range m.mails {
		subjects = append(subjects, mail.Subject)
	}
	m.mails = nil
	slices.Sort(subjects)
	return subjects
}

func (k *kit) wantMails(want ...string) {
	k.t.Helper()
	if got := k.mailbox.take(); !slices.Equal(got, want) {
		k.t.Fatalf("mails %q, want %q", got, want)
	}
}

func (k *kit) importCard(change func(*billing.CardLine)) {
	k.t.Helper()
	l := billing.CardLine{ID: 1000, Owner: billing.Account(100)}
	change(&l)
	k.ok(k.engine.Import(root(t0), false, func(im *billing.Importer) error { return im.Card(l) }))
}

func (k *kit) importOwner(change func(*billing.OwnerLine)) {
	k.t.Helper()
	l := billing.OwnerLine{Owner: billing.Account(100)}
	change(&l)
	k.ok(k.engine.Import(root(t0), false, func(im *billing.Importer) error { return im.Owner(l) }))
}

// later is a drain after real time has passed too: leases of a process that
// died, and waits for gateway and mail server, are over.
func (k *kit) later(at time.Time) {
	k.t.Helper()
	k.expireLeases()
	k.drain(at)
}

func (k *kit) expireLeases() { k.t.Helper(); k.leaseAll(time.Time{}) }

// leaseAll has every charge asked about again at a moment of the real clock.
func (k *kit) leaseAll(until time.Time) {
	k.t.Helper()
	ever := time.Now().AddDate(100, 0, 0)
	k.ok(k.store.Update(context.Background(), func(tx billing.Tx) error {
		charges, err := tx.DueCharges(billing.DueFilter{Now: ever, Real: ever, Limit: 1000})
		if err != nil {
			return err
		}
		for _, due := range charges {
			c, err := tx.Charge(due.ID)
			if err != nil {
				return err
			}
			c.LeaseUntil = until
			if err := tx.SetCharge(&c); err != nil {
				return err
			}
		}
		refunds, err := tx.DueRefunds(ever, ever, 1000)
		if err != nil {
			return err
		}
		for _, id := range refunds {
			f, err := tx.Refund(id)
			if err != nil {
				return err
			}
			f.LeaseUntil = time.Time{}
			if err := tx.SetRefund(&f); err != nil {
				return err
			}
		}
		notices, err := tx.DueNotices(ever, ever, 1000)
		if err != nil {
			return err
		}
		for _, due := range notices {
			n, err := tx.Notice(due.ID)
			if err != nil {
				return err
			}
			n.LeaseUntil = time.Time{}
			if err := tx.SetNotice(&n); err != nil {
				return err
			}
		}
		return nil
	}))
}

// age makes an attempt as old as if real time had passed.
func (k *kit) age(by time.Duration) {
	k.t.Helper()
	k.ok(k.store.Update(context.Background(), func(tx billing.Tx) error {
		attempts, err := tx.Attempts(1)
		if err != nil {
			return err
		}
		a := attempts[0]
		a.FirstAt, a.SubmittedAt = a.FirstAt.Add(-by), a.SubmittedAt.Add(-by)
		return tx.SetAttempt(&a)
	}))
}

// swapToken changes what the card does, as the issuer would: no import, which
// would end suspensions.
func (k *kit) swapToken(token billing.Secret) {
	k.t.Helper()
	k.ok(k.store.Update(context.Background(), func(tx billing.Tx) error {
		c, err := tx.Card(1000)
		if err != nil {
			return err
		}
		if c.Token, err = (plainSealer{}).Seal(token, "card:1000"); err != nil {
			return err
		}
		return tx.PutCard(&c)
	}))
}

func withGateway(c billing.Config, g billing.Gateway) billing.Config {
	c.Gateways = []billing.Gateway{g}
	return c
}

// silentGateway never tells anything.
type silentGateway struct{ billing.Gateway }

func (silentGateway) Charge(context.Context, billing.GatewayCharge) billing.GatewayResult {
	return billing.GatewayResult{}
}

func (silentGateway) Lookup(context.Context, billing.GatewayCharge) billing.GatewayResult {
	return billing.GatewayResult{}
}

// dyingGateway captures, and the process dies before the answer is read.
type dyingGateway struct{ billing.Gateway }

func (g dyingGateway) Charge(ctx context.Context, c billing.GatewayCharge) billing.GatewayResult {
	g.Gateway.Charge(ctx, c)
	panic("the process died")
}

// strict fails a test for anything that went wrong in the background.
type strict struct {
	billing.Observer
	t testing.TB
}

func (s strict) Failed(what string, err error)               { s.t.Errorf("%s: %v", what, err) }
func (strict) Alarmed(billing.AlarmKind, string, string)     {}
func (strict) Decided(billing.Decision)                      {}
func (strict) ChargeMoved(billing.Charge, string)            {}
func (strict) Posted(billing.PostingKind)                    {}
func (strict) Mailed(billing.Notice)                         {}
func (strict) RunEnded(billing.Run)                          {}
func (strict) EventsShed(billing.HubID, int64)               {}
func (strict) EventSent(billing.Delivery, billing.EventType) {}
