package billing_test

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"topupd/billing"
)

// model is what a naive reader of the rules would keep: sums in plain
// variables, no transactions, no states.
type model struct {
	k        *kit
	clock    time.Time
	accounts []int64
	moved    map[int64]int64 // opening balance, credits and debits
}

// Random credits, debits, policy changes, sweeps, nights and restarts: after
// every step L1 to L4, C4 and C6 hold (verify), every balance is what the naive
// model says, and no key and no charge captured twice.
func TestModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		m := newModel(t, rt)
		defer m.k.store.Close()
		rt.Repeat(map[string]func(*rapid.T){
			"credit":  m.credit,
			"debit":   m.debit,
			"policy":  m.policy,
			"sweep":   m.sweep,
			"night":   m.night,
			"work":    m.work,
			"card":    m.card,
			"restart": m.restart,
			"":        m.check,
		})
		m.settle(rt)
	})
}

func newModel(t *testing.T, rt *rapid.T) *model {
	// Without an interval a success may lead to the next charge at once.
	interval := time.Duration(rapid.IntRange(0, 1).Draw(rt, "interval")) * 15 * time.Minute
	m := &model{k: newKit(t, func(c *billing.Config) { c.Settings.Limits.Interval = interval }), clock: t0, accounts: []int64{100, 101, 102, 103}, moved: map[int64]int64{}}
	tokens := []string{"tok_ok", "tok_declined", "tok_timeout", "tok_error"}
	m.must(rt, m.k.engine.Import(root(t0), false, func(im *billing.Importer) error {
		for i, onFailure := range []string{"block", "tariff", "overdraw"} {
			if err := im.Plan(billing.PlanLine{
				ID: billing.PlanID(i + 1), Name: billing.To("p"), Price: billing.To(int64(7 * usd)), Currency: billing.To("USD"),
				Cycle: billing.To("weekly"), OnFailure: billing.To(onFailure), Prepaid: billing.To(i != 2),
			}); err != nil {
				return err
			}
		}
		if err := im.Owner(billing.OwnerLine{Owner: billing.Customer(10), Currency: billing.To("USD")}); err != nil {
			return err
		}
		for i, a := range m.accounts {
			l := accountLine(a)
			l.Plan, l.NextBillingAt = billing.To(int64(i%3+1)), billing.To(t0.Add(time.Hour))
			if err := im.Owner(l); err != nil {
				return err
			}
			m.moved[a] = 20 * usd
			if err := im.Card(billing.CardLine{ID: billing.CardID(a), Owner: billing.Account(a), Token: billing.To(billing.Secret(tokens[i])), Primary: billing.To(true)}); err != nil {
				return err
			}
		}
		return nil
	}))
	return m
}

func (m *model) must(rt *rapid.T, err error) {
	rt.Helper()
	if err != nil {
		rt.Fatal(err)
	}
}

func (m *model) account(rt *rapid.T) int64 { return rapid.SampledFrom(m.accounts).Draw(rt, "account") }

func (m *model) advance(rt *rapid.T) {
	m.clock = m.clock.Add(time.Duration(rapid.IntRange(0, 200).Draw(rt, "minutes")) * time.Minute)
}

func (m *model) move(rt *rapid.T, kind billing.PostingKind, sign int64) {
	m.advance(rt)
	a := m.account(rt)
	amount := rapid.Int64Range(1, 30*usd).Draw(rt, "amount")
	_, err := m.k.engine.MoveFunds(root(m.clock), billing.MoveFundsParams{Owner: billing.Account(a), Kind: kind, Amount: amount, Currency: "USD"})
	m.must(rt, err)
	m.moved[a] += sign * amount
}

func (m *model) credit(rt *rapid.T) { m.move(rt, billing.PostCredit, 1) }
func (m *model) debit(rt *rapid.T)  { m.move(rt, billing.PostDebit, -1) }

func (m *model) policy(rt *rapid.T) {
	m.advance(rt)
	p := billing.SetLowBalanceParams{Owner: billing.Account(m.account(rt))}
	if rapid.Bool().Draw(rt, "threshold") {
		p.Threshold = billing.To(rapid.Int64Range(-5*usd, 15*usd).Draw(rt, "line"))
	} else if rapid.Bool().Draw(rt, "null") {
		p.Threshold = billing.ToNull[int64]()
	}
	p.NotifyByEmail = billing.To(rapid.Bool().Draw(rt, "notify"))
	p.ChargeCard = billing.To(rapid.Bool().Draw(rt, "charge"))
	p.ChargeAmount = billing.To(rapid.Int64Range(0, 20).Draw(rt, "amount") * usd)
	p.BRChargeCard = billing.To(rapid.Bool().Draw(rt, "br"))
	m.must(rt, m.k.engine.SetLowBalance(root(m.clock), p))
}

func (m *model) sweep(rt *rapid.T) {
	m.advance(rt)
	_, _, err := m.k.engine.RunLowBalance(root(m.clock), billing.RunParams{Trigger: "command"})
	m.must(rt, err)
}

func (m *model) night(rt *rapid.T) {
	m.clock = m.clock.Add(24 * time.Hour)
	_, _, err := m.k.engine.RunBilling(root(m.clock), billing.RunParams{Trigger: "schedule", Key: m.clock.Format(time.DateOnly)})
	m.must(rt, err)
}

func (m *model) work(rt *rapid.T) {
	m.advance(rt)
	m.k.later(m.clock)
}

func (m *model) card(rt *rapid.T) {
	a := m.account(rt)
	token := rapid.SampledFrom([]string{"tok_ok", "tok_declined", "tok_lost", "tok_authentication_required", "tok_timeout"}).Draw(rt, "token")
	// A card whose outcome is open keeps its token: the gateway is asked with it.
	for _, row := range m.charges(rt, a) {
		if row.Charge.Open() {
			return
		}
	}
	m.must(rt, m.k.engine.Import(root(m.clock), false, func(im *billing.Importer) error {
		return im.Card(billing.CardLine{ID: billing.CardID(a), Owner: billing.Account(a), Token: billing.To(billing.Secret(token))})
	}))
}

func (m *model) restart(rt *rapid.T) { m.k.restart() }

func (m *model) charges(rt *rapid.T, a int64) []billing.ChargeRow {
	rows, err := m.k.engine.Charges(root(m.clock), billing.ChargeFilter{Owner: billing.Account(a), Limit: 1 << 20})
	m.must(rt, err)
	return rows
}

func (m *model) check(rt *rapid.T) {
	wrong, err := m.k.engine.Verify(root(m.clock), 10)
	m.must(rt, err)
	if len(wrong) > 0 {
		rt.Fatalf("verify: %v", wrong)
	}
	captures := m.k.gateway.Captures()
	for _, a := range m.accounts {
		want := m.moved[a]
		open := 0
		for _, row := range m.charges(rt, a) {
			if row.Charge.Open() {
				open++
			}
			taken := 0
			for _, at := range row.Attempts {
				taken += captures[at.Key]
			}
			if taken > 1 {
				rt.Fatalf("charge %d captured %d times", row.Charge.ID, taken)
			}
			if row.Charge.State == billing.ChargeSucceeded {
				if taken != 1 {
					rt.Fatalf("charge %d was credited and not captured", row.Charge.ID)
				}
				want += row.Charge.Credit
			} else if taken == 1 && !row.Charge.Open() {
				rt.Fatalf("charge %d is %s and was captured", row.Charge.ID, row.Charge.State)
			}
		}
		if open > 1 {
			rt.Fatalf("account %d has %d open automatic charges", a, open)
		}
		want -= m.posted(rt, a)
		if got := m.k.balance(billing.Account(a)); got != want {
			rt.Fatalf("account %d has %s, the model says %s", a, billing.FormatMicros(got), billing.FormatMicros(want))
		}
	}
}

// posted is what the account paid for its plan, read from its periods and not
// from the ledger.
func (m *model) posted(rt *rapid.T, a int64) (sum int64) {
	m.must(rt, m.k.engine.Snapshot(root(m.clock), func(r billing.Reader) error {
		sum = 0
		for day := t0; !day.After(m.clock.Add(24 * time.Hour)); day = day.AddDate(0, 0, 1) {
			p, err := r.Period(billing.Account(a), day.Format(time.DateOnly))
			if billing.ErrorCode(err) == billing.NotFound {
				continue
			}
			if err != nil {
				return err
			}
			if p.State == billing.PeriodPosted {
				sum += p.Price
			}
		}
		return nil
	}))
	return sum
}

// settle lets everything that is under way end: then what was captured is what
// was credited, and nobody who could be charged is left low.
func (m *model) settle(rt *rapid.T) {
	for range 60 {
		m.clock = m.clock.Add(2 * time.Hour)
		_, _, err := m.k.engine.RunLowBalance(root(m.clock), billing.RunParams{Trigger: "command"})
		m.must(rt, err)
		m.k.later(m.clock)
	}
	m.check(rt)
	var captured, credited int64
	for _, n := range m.k.gateway.Captures() {
		captured += int64(n)
	}
	for _, a := range m.accounts {
		for _, row := range m.charges(rt, a) {
			if row.Charge.State == billing.ChargeSucceeded {
				credited++
			}
			if row.Charge.State == billing.ChargeUnknown || row.Charge.State == billing.ChargeSubmitted {
				rt.Fatalf("charge %d is still %s", row.Charge.ID, row.Charge.State)
			}
		}
	}
	if captured != credited {
		rt.Fatalf("%d captures, %d credits", captured, credited)
	}
	m.nobodyLeftLow(rt)
}

func (m *model) nobodyLeftLow(rt *rapid.T) {
	for row, err := range m.k.engine.Thresholds(root(m.clock), billing.ThresholdFilter{}) {
		m.must(rt, err)
		if d := row.Decision; d.Low && row.Policy.ChargeCard && d.Charge != nil && row.Policy.State.JudgeAt.IsZero() {
			rt.Fatalf("%s is low, could be charged, and nobody will look: %+v", row.Owner.ID, fmt.Sprint(row.Policy.State))
		}
	}
}
