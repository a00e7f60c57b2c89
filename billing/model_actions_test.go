package billing_test

import (
	"context"
	"testing"
	"time"

	"pgregory.net/rapid"

	"topupd/billing"
)

// pocket is one bucket as a naive reader of the rules would keep it.
type pocket struct {
	balance int64
	limit   int64 // what may be owed
	held    map[billing.ActionID]hold
}

type hold struct {
	amount int64
	ends   time.Time
}

func (p *pocket) available() int64 {
	left := p.balance + p.limit
	for _, h := range p.held {
		left -= h.amount
	}
	return left
}

type pocketKey struct {
	account int64
	unit    billing.Unit
}

// actionModel keeps pockets in plain variables, and never asks the engine what is in them.
type actionModel struct {
	k       *kit
	clock   time.Time
	pockets map[pocketKey]*pocket
}

// Random top-ups, credits, usage, adjustments, transfers, reservations, releases, expiries and
// restarts: each is refused exactly when the naive model says that not enough is
// available, what is reserved never counts as available, and after every step every
// bucket is what the model says and verify finds nothing.
func TestActionModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		m := newActionModel(t, rt)
		defer m.k.store.Close()
		rt.Repeat(map[string]func(*rapid.T){
			"topup":    m.topup,
			"credit":   m.credit,
			"usage":    m.usage,
			"adjust":   m.adjust,
			"transfer": m.transfer,
			"reserve":  m.reserve,
			"release":  m.release,
			"delete":   m.drop,
			"expire":   m.expire,
			"reopen":   m.reopen,
			"restart":  func(*rapid.T) { m.k.restart() },
			"":         m.check,
		})
	})
}

func newActionModel(t *testing.T, rt *rapid.T) *actionModel {
	m := &actionModel{k: newKit(t, func(c *billing.Config) { c.Settings.PaymentWait = 0 }), clock: t0, pockets: map[pocketKey]*pocket{}}
	m.k.ok(m.k.engine.Import(root(t0), false, func(im *billing.Importer) error {
		for _, n := range []int64{10, 20} {
			if err := im.Owner(billing.OwnerLine{Owner: billing.Customer(n), Currency: billing.To("USD")}); err != nil {
				return err
			}
		}
		for i, n := range []int64{100, 101, 102} {
			l := accountLine(n)
			limit := int64(i) * 5 * usd
			l.Parent, l.CreditLimit = billing.To(int64(10+10*(i/2))), billing.To(limit)
			if err := im.Owner(l); err != nil {
				return err
			}
			token := billing.Secret("tok_ok")
			if n == brokeAccount {
				token = "tok_declined"
			}
			if err := im.Card(billing.CardLine{ID: billing.CardID(n), Owner: billing.Account(n), Gateway: billing.To("sandbox"), Token: billing.To(token), Primary: billing.To(true)}); err != nil {
				return err
			}
			m.pockets[pocketKey{n, "USD"}] = &pocket{balance: 20 * usd, limit: limit, held: map[billing.ActionID]hold{}}
		}
		return nil
	}))
	for _, n := range []int64{100, 101} {
		m.open(n)
		_, err := m.k.engine.Adjust(root(m.clock), billing.AdjustParams{Owner: billing.Account(n), Unit: billing.UnitSMS, Amount: 20 * usd})
		m.k.ok(err)
		m.pockets[pocketKey{n, billing.UnitSMS}].balance = 20 * usd
	}
	return m
}

func (m *actionModel) open(n int64) {
	_, err := m.k.engine.OpenBucket(root(m.clock), billing.OpenBucketParams{Owner: billing.Account(n), Unit: billing.UnitSMS})
	m.k.ok(err)
	m.pockets[pocketKey{n, billing.UnitSMS}] = &pocket{held: map[billing.ActionID]hold{}}
}

var pocketKeys = []pocketKey{{100, "USD"}, {101, "USD"}, {102, "USD"}, {100, billing.UnitSMS}, {101, billing.UnitSMS}}

func (m *actionModel) pick(rt *rapid.T, label string) (pocketKey, *pocket) {
	key := rapid.SampledFrom(pocketKeys).Draw(rt, label)
	return key, m.pockets[key]
}

// amount is around what is available more often than not: that is where it matters.
func (m *actionModel) amount(rt *rapid.T, key pocketKey, p *pocket) int64 {
	n := rapid.Int64Range(1, 30).Draw(rt, "amount") * usd
	if a := p.available(); a > 0 && rapid.Bool().Draw(rt, "to the brim") {
		n = a + rapid.Int64Range(-1, 1).Draw(rt, "beside")*usd
	}
	if key.unit == "USD" {
		n += rapid.Int64Range(-1, 1).Draw(rt, "millionth")
	}
	return max(n, usd)
}

// agrees holds that a call was refused exactly when it had to be, for want of funds.
func agrees(rt *rapid.T, err error, allowed bool) bool {
	rt.Helper()
	switch {
	case err == nil != allowed:
		rt.Fatalf("error is %v, the model says allowed %t", err, allowed)
	case err != nil && (billing.ErrorCode(err) != billing.Conflict || billing.ErrorField(err) != "amount"):
		rt.Fatal(err)
	}
	return err == nil
}

func (m *actionModel) move(rt *rapid.T, kind billing.PostingKind, sign int64) {
	key := rapid.SampledFrom(pocketKeys[:3]).Draw(rt, "account")
	n := rapid.Int64Range(1, 30*usd).Draw(rt, "amount")
	_, err := m.k.engine.MoveFunds(root(m.clock), billing.MoveFundsParams{Owner: billing.Account(key.account), Kind: kind, Amount: n, Currency: "USD"})
	m.k.ok(err)
	m.pockets[key].balance += sign * n
}

// brokeAccount is the one whose card is declined.
const brokeAccount = 102

// topup credits what the card was charged, and nothing else ever.
func (m *actionModel) topup(rt *rapid.T) {
	key := rapid.SampledFrom(pocketKeys[:3]).Draw(rt, "account")
	n := rapid.Int64Range(1, 30).Draw(rt, "amount") * usd
	made, err := m.k.engine.CreateBalanceTopup(root(m.clock), billing.CreateBalanceTopupParams{Owner: billing.Account(key.account), Amount: n, Currency: "USD"})
	if key.account == brokeAccount && billing.ErrorCode(err) == billing.Conflict {
		return // the card network allows no further try
	}
	m.k.ok(err)
	m.k.drain(m.clock)
	v, err := m.k.engine.BalanceTopup(root(m.clock), made.ID)
	m.k.ok(err)
	want := billing.TopupCompleted
	if key.account == brokeAccount {
		want = billing.TopupFailed
	} else {
		m.pockets[key].balance += n
	}
	if v.State != want {
		rt.Fatalf("the top-up is %s (%s), not %s", v.State, v.Reason, want)
	}
}

func (m *actionModel) credit(rt *rapid.T) { m.move(rt, billing.PostCredit, 1) }

// usage is never refused, whatever is reserved: the call has happened.
func (m *actionModel) usage(rt *rapid.T) { m.move(rt, billing.PostDebit, -1) }

func (m *actionModel) adjust(rt *rapid.T) {
	key, p := m.pick(rt, "bucket")
	if p == nil {
		return
	}
	n := m.amount(rt, key, p)
	allowed := true
	if rapid.Bool().Draw(rt, "down") {
		allowed, n = n <= p.available(), -n
	}
	_, err := m.k.engine.Adjust(root(m.clock), billing.AdjustParams{Owner: billing.Account(key.account), Unit: key.unit, Amount: n})
	if agrees(rt, err, allowed) {
		p.balance += n
	}
}

func (m *actionModel) transfer(rt *rapid.T) {
	from, p := m.pick(rt, "from")
	to := from
	to.account = rapid.SampledFrom([]int64{100, 101, 102}).Draw(rt, "to")
	q := m.pockets[to]
	if p == nil || q == nil || p == q {
		return
	}
	n := m.amount(rt, from, p)
	t := billing.TransferParams{From: billing.Account(from.account), To: billing.Account(to.account), Unit: from.unit, Amount: n}
	taken, given := n, n
	switch rapid.IntRange(0, 2).Draw(rt, "cost") {
	case 1:
		t.Cost, t.CostBy = usd, billing.CostByOriginator
		taken += usd
	case 2:
		t.Cost, t.CostBy = usd, billing.CostByReceiver
		given -= usd
	}
	_, err := m.k.engine.Transfer(root(m.clock), t)
	if agrees(rt, err, taken <= p.available()) {
		p.balance -= taken
		q.balance += given
	}
}

func (m *actionModel) reserve(rt *rapid.T) {
	key, p := m.pick(rt, "bucket")
	if p == nil {
		return
	}
	h := hold{amount: m.amount(rt, key, p)}
	if rapid.Bool().Draw(rt, "ends") {
		h.ends = m.clock.Add(time.Duration(rapid.IntRange(1, 90).Draw(rt, "minutes")) * time.Minute)
	}
	v, err := m.k.engine.Reserve(root(m.clock), billing.ReserveParams{Owner: billing.Account(key.account), Unit: key.unit, Amount: h.amount, EndsAt: h.ends})
	if agrees(rt, err, h.amount <= p.available()) {
		p.held[v.ID] = h
	}
}

// anyHold is the oldest reservation of a random bucket.
func (m *actionModel) anyHold(rt *rapid.T) (p *pocket, id billing.ActionID) {
	_, p = m.pick(rt, "bucket")
	if p == nil {
		return nil, 0
	}
	for n := range p.held {
		if id == 0 || n < id {
			id = n
		}
	}
	return p, id
}

func (m *actionModel) release(rt *rapid.T) {
	if p, id := m.anyHold(rt); id != 0 {
		_, err := release(m.k.engine, root(m.clock), id)
		m.k.ok(err)
		delete(p.held, id)
	}
}

func (m *actionModel) drop(rt *rapid.T) {
	if p, id := m.anyHold(rt); id != 0 {
		m.k.ok(m.k.engine.DeleteReservation(root(m.clock), id))
		delete(p.held, id)
	}
}

func (m *actionModel) expire(rt *rapid.T) {
	m.clock = m.clock.Add(time.Duration(rapid.IntRange(0, 60).Draw(rt, "minutes")) * time.Minute)
	m.k.drain(m.clock)
	for _, p := range m.pockets {
		for id, h := range p.held {
			if !h.ends.IsZero() && !h.ends.After(m.clock) {
				delete(p.held, id)
			}
		}
	}
}

// reopen closes a bucket that is empty, and opens one that is closed.
func (m *actionModel) reopen(rt *rapid.T) {
	key := rapid.SampledFrom(pocketKeys[3:]).Draw(rt, "bucket")
	p := m.pockets[key]
	if p == nil {
		m.open(key.account)
		return
	}
	err := m.k.engine.CloseBucket(root(m.clock), billing.Account(key.account), key.unit)
	if empty := p.balance == 0 && len(p.held) == 0; err == nil != empty {
		rt.Fatalf("closed: %v, the model says empty %t", err, empty)
	}
	if err == nil {
		delete(m.pockets, key)
	}
}

func (m *actionModel) check(rt *rapid.T) {
	wrong, err := m.k.engine.Verify(root(m.clock), 10)
	m.k.ok(err)
	if len(wrong) > 0 {
		rt.Fatalf("verify: %v", wrong)
	}
	for key, p := range m.pockets {
		var j billing.Judged
		var b billing.Bucket
		m.k.ok(m.k.store.View(context.Background(), func(r billing.Reader) (err error) {
			if b, err = r.Bucket(billing.Account(key.account), key.unit); err == nil {
				j, err = r.Judged(billing.Account(key.account))
			}
			return err
		}))
		if b.Balance != p.balance || b.Balance+p.limit-b.Reserved != p.available() {
			rt.Fatalf("%v is %+v, the model says %+v", key, b, p)
		}
		// What the low-balance rule sees.
		if a := j.Available(); key.unit == "USD" && *a != p.available() {
			rt.Fatalf("%v: available is %d, the model says %d", key, *a, p.available())
		}
	}
}
