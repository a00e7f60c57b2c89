package billing_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"topupd/billing"
)

// pools is a kit with customer 10, its customer 11 with 1000 USD and a low-balance
// notice below 900, and pool plan 500 of 11, which expires with t0's next day.
func pools(t testing.TB, change ...func(*billing.Config)) *kit {
	t.Helper()
	k := newKit(t, change...)
	k.seed("tok_ok")
	last := t0.AddDate(0, 0, 1)
	k.ok(k.engine.Import(root(t0), false, func(im *billing.Importer) error {
		err := im.Owner(billing.OwnerLine{
			Owner: billing.Customer(11), Parent: billing.To(int64(10)), Name: billing.To("Acme EU"), Currency: billing.To("USD"),
			Balance: billing.To(int64(1000 * usd)), Email: billing.To("eu@acme.example"),
		})
		if err != nil {
			return err
		}
		err = im.LowBalance(billing.SetLowBalanceParams{Owner: billing.Customer(11), Threshold: billing.To(int64(900 * usd)), NotifyByEmail: billing.To(true)})
		if err != nil {
			return err
		}
		return im.PoolPlan(billing.PoolPlanLine{
			Offer: 500, Customer: billing.To(int64(11)), Name: billing.To("Pool EU"), Currency: billing.To("USD"),
			ExpirationType: billing.To(billing.ExpirationFixed), Expires: billing.To(last), Subscribers: billing.To([]string{"310150123456789"}),
			Balances: billing.To([]billing.Allowance{{Word: "SMS"}, {Word: "KB"}}),
		})
	}))
	return k
}

// acme acts as customer 10, the parent.
func acme(at time.Time) context.Context {
	ctx := billing.WithActor(context.Background(), billing.Actor{Login: "acme", Customer: billing.Customer(10), API: "test"})
	return billing.AsOf(ctx, at)
}

func topUp(charge int64, list ...billing.Allowance) billing.TopUpPoolPlanParams {
	return billing.TopUpPoolPlanParams{Customer: billing.Customer(11), Offer: 500, Charge: charge, Currency: "USD", Allowances: list}
}

func messages(n int64) billing.Allowance {
	return billing.Allowance{Word: "SMS", Micros: n * billing.Micro}
}

func (k *kit) topUp(at time.Time, p billing.TopUpPoolPlanParams) billing.PoolTopUpID {
	k.t.Helper()
	id, err := k.engine.TopUpPoolPlan(acme(at), p)
	k.ok(err)
	return id
}

func (k *kit) poolState(id billing.PoolTopUpID) billing.PoolTopUpState {
	k.t.Helper()
	r, err := k.engine.PoolTopUpStatus(acme(t0), id)
	k.ok(err)
	return r.State
}

// left is what pool 500 has of a unit, in millionths.
func (k *kit) left(unit billing.Unit) (micros int64) {
	k.t.Helper()
	k.ok(k.engine.Snapshot(root(t0), func(r billing.Reader) error {
		list, err := r.PoolBalances(500)
		for _, b := range list {
			if b.Unit == unit {
				micros = b.Left
			}
		}
		return err
	}))
	return micros
}

func (k *kit) wantPool(sms, money int64) {
	k.t.Helper()
	if got := k.left("SMS"); got != sms*billing.Micro {
		k.t.Errorf("%s SMS are left, want %d", billing.FormatMicros(got), sms)
	}
	if got := k.balance(billing.Customer(11)); got != money*usd {
		k.t.Errorf("balance %s, want %d", billing.FormatMicros(got), money)
	}
	k.verify()
}

func TestAllowanceUnits(t *testing.T) {
	for _, c := range []struct {
		word   string
		micros int64
		unit   billing.Unit
		kept   int64
		code   billing.Code
		fails  bool
	}{
		{"SMS", 5 * billing.Micro, "SMS", 5 * billing.Micro, 0, false},
		{"SMS", -5 * billing.Micro, "SMS", -5 * billing.Micro, 0, false},
		{"SMS", 500_000, "", 0, billing.Invalid, true},
		{"KB", 1, "KB", 1, 0, false},
		{"MB", billing.Micro, "KB", 1024 * billing.Micro, 0, false},
		{"GB", 1, "KB", 1024 * 1024, 0, false},
		{"GB", 8_796_093_022_207, "KB", 8_796_093_022_207 << 20, 0, false},
		{"GB", 8_796_093_022_208, "", 0, billing.Overflow, true},
		{"GB", -8_796_093_022_208, "", 0, billing.Overflow, true},
		{"KB", -1 << 63, "", 0, billing.Overflow, true},
		{"TB", 1, "", 0, billing.NotFound, true},
		{"gb", 1, "", 0, billing.NotFound, true},
		{"", 1, "", 0, billing.NotFound, true},
	} {
		got, err := billing.Allowance{Word: c.word, Micros: c.micros}.Kept()
		if c.fails != (err != nil) || c.fails && billing.ErrorCode(err) != c.code || got != billing.Money(c.kept, c.unit) {
			t.Errorf("%d %s: %+v, %v", c.micros, c.word, got, err)
		}
	}
}

// The cost is a debit like usage: the customer falls below its threshold and is told so.
func TestPoolTopUpIsJudgedAsUsage(t *testing.T) {
	k := pools(t)
	id := k.topUp(t0, topUp(150*usd, messages(5), messages(2)))
	if k.poolState(id) != billing.PoolTopUpOpen {
		t.Error("it is applied before its turn")
	}
	k.wantPool(0, 1000)
	k.drain(t0)
	k.wantPool(7, 850)
	if k.poolState(id) != billing.PoolTopUpSuccess {
		t.Error(k.poolState(id))
	}
	if mails := k.mailbox.to("eu@acme.example"); len(mails) != 1 || !strings.Contains(mails[0].Subject, "850.00 USD") {
		t.Errorf("mails %v", mails)
	}
}

// to are the mails to an address.
func (m *mailbox) to(address string) (list []billing.Mail) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, mail := range m.mails {
		if mail.To == address {
			list = append(list, mail)
		}
	}
	return list
}

var errDead = errors.New("the process died")

// dyingStore dies at its step number `left`: before or after each write, and after each
// commit. Nothing of it works afterwards.
type dyingStore struct {
	billing.Store
	mu   sync.Mutex
	left int
	dead bool
}

func (s *dyingStore) step() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.left--
	s.dead = s.dead || s.left == 0
	if s.dead {
		return errDead
	}
	return nil
}

func (s *dyingStore) View(ctx context.Context, fn func(billing.Reader) error) error {
	if s.isDead() {
		return errDead
	}
	return s.Store.View(ctx, fn)
}

func (s *dyingStore) isDead() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.dead
}

func (s *dyingStore) Update(ctx context.Context, fn func(billing.Tx) error) error {
	return s.through(ctx, alone(ctx, s.Store), fn)
}

func (s *dyingStore) UpdateOwners(ctx context.Context, owners []billing.OwnerID, fn func(billing.Tx) error) error {
	return s.through(ctx, ofOwners(ctx, s.Store, owners), fn)
}

func (s *dyingStore) through(ctx context.Context, run updater, fn func(billing.Tx) error) error {
	if s.isDead() {
		return errDead
	}
	if err := run(func(tx billing.Tx) error { return fn(dyingTx{tx, s}) }); err != nil {
		return err
	}
	return s.step()
}

type dyingTx struct {
	billing.Tx
	s *dyingStore
}

func (t dyingTx) around(write func() error) error {
	if err := t.s.step(); err != nil {
		return err
	}
	if err := write(); err != nil {
		return err
	}
	return t.s.step()
}

func (t dyingTx) Post(p *billing.Posting) error {
	return t.around(func() error { return t.Tx.Post(p) })
}

func (t dyingTx) PutPoolPlan(p *billing.PoolPlan) error {
	return t.around(func() error { return t.Tx.PutPoolPlan(p) })
}

func (t dyingTx) PutPoolBalance(b *billing.PoolBalance) error {
	return t.around(func() error { return t.Tx.PutPoolBalance(b) })
}

func (t dyingTx) SetPoolTopUp(p *billing.PoolTopUp) error {
	return t.around(func() error { return t.Tx.SetPoolTopUp(p) })
}

func (t dyingTx) CreateNotice(n *billing.Notice) error {
	return t.around(func() error { return t.Tx.CreateNotice(n) })
}

func (t dyingTx) PutLowBalanceState(o billing.OwnerID, s billing.LowBalanceState) error {
	return t.around(func() error { return t.Tx.PutLowBalanceState(o, s) })
}

// The process dies between the acknowledgement and the effects, at every step of them,
// and after them: the next one finds the request, and the effects are there once.
func TestPoolTopUpSurvivesDeath(t *testing.T) {
	for at := 1; ; at++ {
		k := pools(t)
		id := k.topUp(t0, topUp(150*usd, messages(5), billing.Allowance{Word: "MB", Micros: billing.Micro}))
		s := &dyingStore{Store: k.store, left: at}
		dying := k.config
		dying.Store, dying.Observer = s, nil
		_ = billing.New(dying).Drain(root(t0))
		died := s.isDead()
		k.restart()
		k.later(t0)
		k.wantPool(5, 850)
		if got := k.poolState(id); got != billing.PoolTopUpSuccess {
			t.Errorf("dead at step %d: %s", at, got)
		}
		if got := k.left("KB"); got != 1024*billing.Micro {
			t.Errorf("dead at step %d: %d KB", at, got)
		}
		if mails := k.mailbox.to("eu@acme.example"); len(mails) == 0 {
			t.Errorf("dead at step %d: no mail", at)
		}
		k.store.Close()
		if !died {
			if at < 12 {
				t.Errorf("only %d steps", at)
			}
			return
		}
	}
}

// Fifty at once, applied by two processes: each once.
func TestPoolTopUpsInParallel(t *testing.T) {
	k := pools(t)
	const n = 50
	ids := make([]billing.PoolTopUpID, n)
	var all sync.WaitGroup
	for i := range ids {
		all.Go(func() {
			var err error
			if ids[i], err = k.engine.TopUpPoolPlan(acme(t0), topUp(usd, messages(2))); err != nil {
				t.Error(err)
			}
		})
	}
	other := billing.New(k.config)
	for _, e := range []*billing.Engine{k.engine, other, k.engine, other} {
		all.Go(func() {
			if err := e.Drain(root(t0)); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	k.drain(t0)
	seen := map[billing.PoolTopUpID]bool{}
	for _, id := range ids {
		if seen[id] || k.poolState(id) != billing.PoolTopUpSuccess {
			t.Errorf("%s is %s", id, k.poolState(id))
		}
		seen[id] = true
	}
	k.wantPool(2*n, 1000-n)
}

// What changed between the acknowledgement and its turn is a refusal, with its reason.
func TestPoolTopUpRefusedAtItsTurn(t *testing.T) {
	line := func(l billing.PoolPlanLine) func(*kit) {
		return func(k *kit) {
			l.Offer = 500
			k.ok(k.engine.Import(root(t0), false, func(im *billing.Importer) error { return im.PoolPlan(l) }))
		}
	}
	for name, c := range map[string]struct {
		change func(*kit)
		at     time.Time
		reason string
	}{
		"no subscribers": {line(billing.PoolPlanLine{Subscribers: billing.To([]string{})}), t0, "has no subscribers"},
		"a deleted customer": {func(k *kit) {
			k.ok(k.store.Update(context.Background(), func(tx billing.Tx) error { return tx.DeleteOwner(billing.Customer(11), t0) }))
		}, t0, "was deleted"},
		"expired meanwhile": {func(*kit) {}, t0.AddDate(0, 0, 2), "has expired"},
		"no more fits":      {line(billing.PoolPlanLine{Balances: billing.To([]billing.Allowance{{Word: "SMS", Micros: 9_223_372_036_854 * billing.Micro}})}), t0, "beyond what can be kept"},
	} {
		t.Run(name, func(t *testing.T) {
			k := pools(t)
			id := k.topUp(t0, topUp(usd, messages(1)))
			c.change(k)
			before := k.left("SMS")
			k.drain(c.at)
			r, err := k.engine.PoolTopUpStatus(acme(t0), id)
			k.ok(err)
			if r.State != billing.PoolTopUpFailure || !strings.Contains(r.Reason, c.reason) || r.Posting != 0 {
				t.Errorf("%s: %s", r.State, r.Reason)
			}
			if got := k.left("SMS"); got != before || k.balance(billing.Customer(11)) != 1000*usd {
				t.Errorf("it had an effect: %d", got)
			}
			k.verify()
		})
	}
}

// faultyStore fails the postings of top-ups with a fault of ours.
type faultyStore struct {
	billing.Store
	fails int
}

type faultyTx struct {
	billing.Tx
	s *faultyStore
}

func (s *faultyStore) Update(ctx context.Context, fn func(billing.Tx) error) error {
	return s.through(ctx, alone(ctx, s.Store), fn)
}

func (s *faultyStore) UpdateOwners(ctx context.Context, owners []billing.OwnerID, fn func(billing.Tx) error) error {
	return s.through(ctx, ofOwners(ctx, s.Store, owners), fn)
}

func (s *faultyStore) through(ctx context.Context, run updater, fn func(billing.Tx) error) error {
	return run(func(tx billing.Tx) error { return fn(faultyTx{tx, s}) })
}

func (t faultyTx) Post(p *billing.Posting) error {
	if t.s.fails > 0 && p.Kind == billing.PostPoolTopUp {
		t.s.fails--
		return billing.Errorf(billing.Internal, "", "a fault")
	}
	return t.Tx.Post(p)
}

// A fault is tried again, and given up after the sixth try.
func TestPoolTopUpFaults(t *testing.T) {
	for fails, want := range map[int]billing.PoolTopUpState{5: billing.PoolTopUpSuccess, 6: billing.PoolTopUpFault} {
		k := pools(t)
		config := k.config
		config.Store, config.Observer = &faultyStore{Store: k.store, fails: fails}, nil
		id := k.topUp(t0, topUp(usd, messages(1)))
		e := billing.New(config)
		tries := 0
		for at := t0; at.Before(t0.Add(2 * time.Hour)); at = at.Add(time.Minute) {
			k.ok(e.Drain(root(at)))
			if tries++; k.poolState(id) != billing.PoolTopUpOpen {
				break
			}
		}
		if got := k.poolState(id); got != want {
			t.Errorf("%d faults: %s after %d minutes", fails, got, tries)
		}
		if want == billing.PoolTopUpSuccess {
			k.wantPool(1, 999)
		} else {
			k.wantPool(0, 1000)
		}
	}
}

// The end of the last day, to the microsecond; what was left is breakage, once.
func TestPoolExpiry(t *testing.T) {
	k := pools(t)
	k.topUp(t0, topUp(0, messages(10), billing.Allowance{Word: "GB", Micros: billing.Micro}))
	k.drain(t0)
	end := t0.Truncate(24*time.Hour).AddDate(0, 0, 2)
	k.drain(end.Add(-time.Microsecond))
	k.wantPool(10, 1000)
	k.drain(end)
	k.wantPool(0, 1000)
	k.drain(end.Add(time.Hour))
	if got := k.account(billing.AccountBreakage); got != "10 SMS/500, 1048576 KB/500" {
		t.Errorf("breakage is %s", got)
	}
	// It lives again with a new date, and expires again.
	p := topUp(0, messages(3))
	if _, err := k.engine.TopUpPoolPlan(acme(end), p); billing.ErrorField(err) != "expirationDate" {
		t.Errorf("without a date: %v", err)
	}
	p.Expires = billing.To(end)
	k.topUp(end, p)
	k.drain(end)
	k.wantPool(3, 1000)
	k.drain(end.Add(24 * time.Hour))
	k.wantPool(0, 1000)
	if got := k.account(billing.AccountBreakage); got != "13 SMS/500, 1048576 KB/500" {
		t.Errorf("breakage is %s", got)
	}
}

// account is what a system account has of the units of pool 500.
func (k *kit) account(name string) (text string) {
	k.t.Helper()
	sums := map[billing.Unit]int64{}
	k.ok(k.engine.Snapshot(root(t0), func(r billing.Reader) error {
		list, err := r.Postings(billing.Customer(11), 0, 1000)
		for _, p := range list {
			for _, e := range p.Entries {
				if e.Account == name {
					sums[e.Unit] += e.Micros
				}
			}
		}
		return err
	}))
	return fmt.Sprintf("%s SMS/500, %s KB/500", billing.FormatMicros(sums["SMS/500"]), billing.FormatMicros(sums["KB/500"]))
}

// What expired is gone also when the next top-up comes before the upkeep.
func TestTopUpDoesNotReviveWhatExpired(t *testing.T) {
	k := pools(t)
	k.topUp(t0, topUp(0, messages(10)))
	k.drain(t0)
	late := t0.AddDate(0, 0, 3)
	p := topUp(0, messages(4))
	p.Expires = billing.To(late)
	k.ok(billing.TopUpPool(k.engine, root(late), k.topUp(late, p)))
	k.wantPool(4, 1000)
	// Usage that is reported after the end does not find it either.
	after := late.AddDate(0, 0, 1)
	done, err := k.engine.UseAllowance(acme(after), billing.UseAllowanceParams{Offer: 500, Used: messages(1)})
	k.ok(err)
	if done.Left != billing.Money(-billing.Micro, "SMS") {
		t.Errorf("left %v", done.Left)
	}
	k.wantPool(-1, 1000)
}

func TestUseAllowance(t *testing.T) {
	k := pools(t)
	k.topUp(t0, topUp(0, messages(10), billing.Allowance{Word: "MB", Micros: billing.Micro}))
	k.drain(t0)
	use := func(word string, micros int64, key string) (billing.UsedAllowance, error) {
		return k.engine.UseAllowance(acme(t0), billing.UseAllowanceParams{Offer: 500, Used: billing.Allowance{Word: word, Micros: micros}, IdempotencyKey: key})
	}
	first, err := use("SMS", 4*billing.Micro, "a")
	k.ok(err)
	again, err := use("SMS", 4*billing.Micro, "a")
	k.ok(err)
	if !again.Repeated || again.Posting != first.Posting || first.Left != billing.Money(6*billing.Micro, "SMS") {
		t.Errorf("%+v then %+v", first, again)
	}
	_, err = use("SMS", 5*billing.Micro, "a")
	if billing.ErrorCode(err) != billing.KeyReused {
		t.Errorf("the key again: %v", err)
	}
	data, err := use("KB", 500_000, "")
	k.ok(err)
	if data.Left != billing.Money(1024*billing.Micro-500_000, "KB") {
		t.Errorf("%+v", data)
	}
	k.wantPool(6, 1000)
	for name, c := range map[string]struct {
		ctx   context.Context
		offer billing.OfferID
		used  billing.Allowance
		field string
	}{
		"nothing":      {acme(t0), 500, messages(0), "value"},
		"less":         {acme(t0), 500, messages(-1), "value"},
		"part of one":  {acme(t0), 500, billing.Allowance{Word: "SMS", Micros: 1}, "value"},
		"no unit":      {acme(t0), 500, billing.Allowance{Word: "TB", Micros: 1}, "balance"},
		"unknown plan": {acme(t0), 501, messages(1), "offer"},
		"a stranger": {billing.WithActor(context.Background(), billing.Actor{Login: "x", Customer: billing.Customer(77)}),
			500, messages(1), "offer"},
	} {
		_, err := k.engine.UseAllowance(c.ctx, billing.UseAllowanceParams{Offer: c.offer, Used: c.used})
		if billing.ErrorField(err) != c.field {
			t.Errorf("%s: %v", name, err)
		}
	}
	k.wantPool(6, 1000)
}

// Reaching the line is told once; coming back above it arms the notice again.
func TestLowAllowanceNotice(t *testing.T) {
	percent := int64(20 * billing.Micro)
	for name, line := range map[string]billing.LowAllowance{
		"remainder": {At: messages(2)},
		"percent":   {At: billing.Allowance{Word: "SMS"}, Percent: &percent},
	} {
		t.Run(name, func(t *testing.T) {
			k := pools(t)
			k.ok(k.engine.Import(root(t0), false, func(im *billing.Importer) error {
				return im.PoolPlan(billing.PoolPlanLine{Offer: 500, LowAllowance: billing.To([]billing.LowAllowance{line})})
			}))
			step := func(used, want int64) {
				t.Helper()
				if used < 0 {
					k.topUp(t0, topUp(0, messages(-used)))
				} else {
					_, err := k.engine.UseAllowance(acme(t0), billing.UseAllowanceParams{Offer: 500, Used: messages(used)})
					k.ok(err)
				}
				k.drain(t0)
				if mails := k.mailbox.to("eu@acme.example"); int64(len(mails)) != want {
					t.Fatalf("%d mails, want %d: %v", len(mails), want, mails)
				}
			}
			step(-10, 0) // 10 of 10
			step(7, 0)   // 3
			step(1, 1)   // 2: the line
			step(1, 1)   // 1
			step(5, 1)   // -4
			step(-14, 1) // 10 of 10: armed
			step(8, 2)   // 2
			if mail := k.mailbox.to("eu@acme.example")[0]; mail.Subject != "Pool EU: 2 SMS left" || !strings.Contains(mail.Body, "Of:         10 SMS") || !strings.Contains(mail.Body, "Told at:    2 SMS") {
				t.Errorf("%s\n%s", mail.Subject, mail.Body)
			}
			// Who is held is told when that ends.
			step(-8, 2)
			k.ok(k.store.Update(context.Background(), func(tx billing.Tx) error {
				_, err := tx.SetHeld(billing.Customer(11), true, t0)
				return err
			}))
			step(9, 2)
			k.ok(k.store.Update(context.Background(), func(tx billing.Tx) error {
				_, err := tx.SetHeld(billing.Customer(11), false, t0)
				return err
			}))
			step(1, 3)
		})
	}
}

// A finished request is there for 30 days, then it is unknown, and then deleted.
func TestPoolTopUpsAreKept30Days(t *testing.T) {
	k := pools(t)
	now := time.Now().UTC().Truncate(time.Microsecond)
	id := func(n int) billing.PoolTopUpID { return billing.PoolTopUpID(fmt.Sprintf("%036d", n)) }
	k.ok(k.store.Update(context.Background(), func(tx billing.Tx) error {
		for n := range 250 {
			age := 31 * 24 * time.Hour
			if n < 3 {
				age = 29 * 24 * time.Hour
			}
			err := tx.CreatePoolTopUp(&billing.PoolTopUp{
				ID: id(n), Requester: billing.Customer(10), Customer: billing.Customer(11), Top: billing.Customer(10), Offer: 500,
				Currency: "USD", SMS: 1, State: billing.PoolTopUpFailure, CreatedAt: now.Add(-age), FinishedAt: now.Add(-age),
			})
			if err != nil {
				return err
			}
		}
		return nil
	}))
	if k.poolState(id(0)) != billing.PoolTopUpFailure {
		t.Error("it is forgotten too early")
	}
	if _, err := k.engine.PoolTopUpStatus(acme(t0), id(3)); !errors.Is(err, billing.NotFound) {
		t.Errorf("after 31 days: %v", err)
	}
	k.drain(t0)
	k.ok(k.store.View(context.Background(), func(r billing.Reader) error {
		for n := range 250 {
			_, err := r.PoolTopUp(id(n))
			if kept := err == nil; kept != (n < 3) {
				t.Errorf("request %d: %v", n, err)
			}
		}
		return nil
	}))
}

// Random top-ups, usage, expiries and restarts against sums in plain variables; the
// ledger verifies after each.
func TestPoolModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		k := pools(t)
		defer func() { k.store.Close() }()
		clock := t0
		expires := t0.Truncate(24*time.Hour).AddDate(0, 0, 2)
		left := map[string]int64{}
		money := int64(1000 * usd)
		type pending struct {
			charge  int64
			word    string
			micros  int64
			expires time.Time
		}
		var queue []pending
		lapse := func() {
			if !clock.Before(expires) {
				for _, unit := range []string{"SMS", "KB"} {
					left[unit] = min(left[unit], 0)
				}
			}
		}
		drain := func() {
			lapse()
			for _, p := range queue {
				if p.expires.IsZero() && !clock.Before(expires) || !p.expires.IsZero() && !clock.Before(p.expires) {
					continue
				}
				if !p.expires.IsZero() {
					expires = p.expires
				}
				left[p.word] += p.micros
				money -= p.charge
			}
			queue = nil
			k.ok(k.engine.Drain(root(clock)))
		}
		rt.Repeat(map[string]func(*rapid.T){
			"top up": func(rt *rapid.T) {
				p := pending{charge: rapid.Int64Range(0, 5*usd).Draw(rt, "charge"), word: rapid.SampledFrom([]string{"SMS", "KB"}).Draw(rt, "unit")}
				p.micros = rapid.Int64Range(1, 20).Draw(rt, "value") * billing.Micro
				params := topUp(p.charge, billing.Allowance{Word: p.word, Micros: p.micros})
				if rapid.Bool().Draw(rt, "dated") {
					day := clock.AddDate(0, 0, rapid.IntRange(-1, 3).Draw(rt, "days"))
					params.Expires = billing.To(day)
					p.expires = day.Truncate(24*time.Hour).AddDate(0, 0, 1)
				}
				_, err := k.engine.TopUpPoolPlan(acme(clock), params)
				refused := p.expires.IsZero() && !clock.Before(expires) || !p.expires.IsZero() && !clock.Before(p.expires)
				if refused != (err != nil) {
					rt.Fatalf("expected refusal %t: %v", refused, err)
				}
				// One at a time: requests that are due at once have no order among them.
				if err == nil {
					queue = append(queue, p)
					drain()
				}
			},
			"use": func(rt *rapid.T) {
				word := rapid.SampledFrom([]string{"SMS", "KB"}).Draw(rt, "unit")
				used := rapid.Int64Range(1, 15).Draw(rt, "used") * billing.Micro
				_, err := k.engine.UseAllowance(acme(clock), billing.UseAllowanceParams{Offer: 500, Used: billing.Allowance{Word: word, Micros: used}})
				k.ok(err)
				lapse()
				left[word] -= used
			},
			"wait": func(rt *rapid.T) {
				clock = clock.Add(time.Duration(rapid.IntRange(1, 40).Draw(rt, "hours")) * time.Hour)
			},
			"work":    func(*rapid.T) { drain() },
			"restart": func(*rapid.T) { k.restart() },
			"": func(rt *rapid.T) {
				for _, unit := range []string{"SMS", "KB"} {
					// What is expired may be there until the next look.
					if got := k.left(billing.Unit(unit)); got != left[unit] {
						rt.Fatalf("%s %s are left, want %s", billing.FormatMicros(got), unit, billing.FormatMicros(left[unit]))
					}
				}
				if got := k.balance(billing.Customer(11)); got != money {
					rt.Fatalf("balance %d, want %d", got, money)
				}
				k.verify()
			},
		})
	})
}
