package billing_test

import (
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"topupd/billing"
	"topupd/db"
	"topupd/db/dbtest"
)

// crowd is ten processes on two servers that do the same thing at once.
type crowd struct {
	t     *testing.T
	bank  *bank
	files []*db.Store
	procs []*process
}

const crowdSize = 10

// inCrowd runs a test in a bubble, with account 100: balance 20, low below 5,
// charge 10; a plan of 20 that falls due in a day, charged to the card.
func inCrowd(t *testing.T, test func(*crowd)) {
	synctest.Test(t, func(t *testing.T) {
		path := dbtest.Address(t)
		c := &crowd{t: t, bank: newBank(), files: []*db.Store{openFile(t, path), openFile(t, path)}}
		c.bank.committed = committedIn(func() billing.Store { return c.files[0] })
		settings := billing.DefaultSettings()
		for i := range crowdSize {
			c.procs = append(c.procs, newProcess(ports{
				store: c.files[i%2], gateways: []billing.Gateway{c.bank}, mail: func(billing.Mail) error { return nil }, settings: settings,
			}))
		}
		c.populate()
		test(c)
		c.end()
	})
}

func (c *crowd) ok(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}

func (c *crowd) end() {
	wrong, err := c.files[0].Verify(c.procs[0].ctx, 10)
	c.ok(err)
	for _, w := range wrong {
		c.t.Errorf("verify: %+v", w)
	}
	for _, w := range c.bank.wrong {
		c.t.Error(w)
	}
	for _, p := range c.procs {
		for _, err := range p.failed {
			c.t.Error(err)
		}
	}
	for _, f := range c.files {
		c.ok(f.Close())
	}
}

// populate puts the account.
func (c *crowd) populate() {
	p := c.procs[0]
	c.ok(p.engine.Import(p.ctx, false, func(im *billing.Importer) error {
		if err := im.Plan(billing.PlanLine{ID: 1, Name: billing.To("Monthly"), Price: billing.To(int64(20 * usd)), Currency: billing.To("USD")}); err != nil {
			return err
		}
		if err := im.Owner(billing.OwnerLine{Owner: billing.Customer(10), Currency: billing.To("USD")}); err != nil {
			return err
		}
		l := accountLine(100)
		l.Plan, l.NextBillingAt = billing.To(int64(1)), billing.To(time.Now().Add(24*time.Hour))
		if err := im.Owner(l); err != nil {
			return err
		}
		if err := im.Card(billing.CardLine{ID: 1000, Owner: billing.Account(100), Token: billing.To(billing.Secret("tok")), Primary: billing.To(true)}); err != nil {
			return err
		}
		return im.LowBalance(billing.SetLowBalanceParams{
			Owner: billing.Account(100), Threshold: billing.To(int64(5 * usd)), NotifyByEmail: billing.To(true),
			ChargeCard: billing.To(true), ChargeAmount: billing.To(int64(10 * usd)), BRChargeCard: billing.To(true),
		})
	}))
}

// once does the same thing in all processes at the same moment.
func (c *crowd) once(do func(i int, p *process) error) []error {
	errs := make([]error, len(c.procs))
	start := make(chan struct{})
	var all sync.WaitGroup
	for i, p := range c.procs {
		all.Go(func() {
			<-start
			errs[i] = do(i, p)
		})
	}
	close(start)
	all.Wait()
	return errs
}

// all is once, where every answer has to be good.
func (c *crowd) all(do func(i int, p *process) error) {
	c.t.Helper()
	for _, err := range c.once(do) {
		c.ok(err)
	}
}

func (c *crowd) work(_ int, p *process) error { return p.engine.Drain(p.ctx) }

func (c *crowd) debit(micros int64, key string) func(int, *process) error {
	return func(_ int, p *process) error {
		_, err := p.engine.MoveFunds(p.ctx, billing.MoveFundsParams{
			Owner: billing.Account(100), Kind: billing.PostDebit, Amount: micros, Currency: "USD", IdempotencyKey: key,
		})
		return err
	}
}

// want holds what came out: how many charges, of which the bank captured all,
// and the balance.
func (c *crowd) want(charges int, balance int64) []billing.ChargeRow {
	c.t.Helper()
	p := c.procs[0]
	rows, err := p.engine.Charges(p.ctx, billing.ChargeFilter{Owner: billing.Account(100), Limit: 100})
	c.ok(err)
	if len(rows) != charges || len(c.bank.captures()) != charges {
		c.t.Errorf("%d charges, %d captures, want %d of each", len(rows), len(c.bank.captures()), charges)
	}
	var b billing.Bucket
	c.ok(p.engine.Snapshot(p.ctx, func(r billing.Reader) (err error) {
		b, err = r.Bucket(billing.Account(100), "USD")
		return err
	}))
	if b.Balance != balance {
		c.t.Errorf("balance %s, want %s", billing.FormatMicros(b.Balance), billing.FormatMicros(balance))
	}
	return rows
}

func TestTenSweepsAtOnce(t *testing.T) {
	inCrowd(t, func(c *crowd) {
		// An import judges nobody: the sweep finds it.
		p := c.procs[0]
		c.ok(p.engine.Import(p.ctx, false, func(im *billing.Importer) error {
			return im.Owner(billing.OwnerLine{Owner: billing.Account(100), Balance: billing.To(int64(4 * usd))})
		}))
		c.all(func(_ int, p *process) error {
			_, _, err := p.engine.RunLowBalance(p.ctx, billing.RunParams{Trigger: "command"})
			return err
		})
		c.all(c.work)
		c.want(1, 14*usd)
	})
}

func TestTenCrossingsAtOnce(t *testing.T) {
	inCrowd(t, func(c *crowd) {
		c.all(c.debit(2*usd, ""))
		c.all(c.work)
		c.want(1, 10*usd)
	})
}

func TestTenWorkersOnOneCharge(t *testing.T) {
	for _, f := range []fault{honest, slow, silentAfter, silentBefore, failed, limited, lateEffect} {
		t.Run(f.String(), func(t *testing.T) {
			inCrowd(t, func(c *crowd) {
				c.bank.plan = faultAt("charge", 1, 1, f)
				c.ok(c.debit(16*usd, "")(0, c.procs[0]))
				for range 8 {
					c.all(func(_ int, p *process) error { return billing.ChargeOne(p.engine, p.ctx, 1) })
					time.Sleep(time.Minute)
				}
				rows := c.want(1, 14*usd)
				if len(rows[0].Attempts) != 1 {
					t.Errorf("attempts: %+v", rows[0].Attempts)
				}
			})
		})
	}
}

func TestTenRetriesOfOneCall(t *testing.T) {
	inCrowd(t, func(c *crowd) {
		answers := make([]billing.MoveFundsResult, crowdSize)
		for _, kind := range []billing.PostingKind{billing.PostDebit, billing.PostAddFunds} {
			c.all(func(i int, p *process) (err error) {
				answers[i], err = p.engine.MoveFunds(p.ctx, billing.MoveFundsParams{
					Owner: billing.Account(100), Kind: kind, Amount: 3 * usd, Currency: "USD", IdempotencyKey: "the " + string(kind),
				})
				return err
			})
			first := 0
			for _, a := range answers {
				if !a.Repeated {
					first++
				}
				if a.Posting != answers[0].Posting {
					t.Errorf("%s: two postings, %d and %d", kind, a.Posting, answers[0].Posting)
				}
			}
			if first != 1 {
				t.Errorf("%s: %d of ten were booked", kind, first)
			}
		}
		c.want(0, 20*usd)
	})
}

func TestTenSavesAtOnce(t *testing.T) {
	inCrowd(t, func(c *crowd) {
		c.all(func(_ int, p *process) error {
			return p.engine.SetLowBalance(p.ctx, billing.SetLowBalanceParams{Owner: billing.Account(100), Threshold: billing.To(int64(25 * usd))})
		})
		c.all(c.work)
		c.want(1, 30*usd)
	})
}

func TestTenNightsAtOnce(t *testing.T) {
	inCrowd(t, func(c *crowd) {
		time.Sleep(25 * time.Hour)
		for range 2 {
			c.once(func(_ int, p *process) error { return p.engine.Fire(p.ctx, billing.JobBilling, "2000-01-02") })
			c.all(c.work)
		}
		for i, err := range c.once(func(_ int, p *process) error { return p.engine.Fire(p.ctx, billing.JobBilling, "by hand") }) {
			if err != nil && billing.ErrorCode(err) != billing.Busy {
				t.Errorf("night %d: %v", i, err)
			}
		}
		c.all(c.work)
		c.want(1, 20*usd) // 20, and the card's 20, less the plan's
	})
}

func TestTenEventsAtOnce(t *testing.T) {
	for _, same := range []bool{true, false} {
		t.Run(fmt.Sprintf("one id %t", same), func(t *testing.T) {
			inCrowd(t, func(c *crowd) {
				c.bank.plan = faultAt("charge", 1, 1, silentAfter)
				c.ok(c.debit(16*usd, "")(0, c.procs[0]))
				c.ok(billing.ChargeOne(c.procs[0].engine, c.procs[0].ctx, 1))
				took := c.bank.captures()[0]
				c.all(func(i int, p *process) error {
					ev := billing.GatewayEvent{ID: "evt", Kind: billing.EventCharge, At: time.Now(), Key: took.first.Key, Ref: took.ref, Result: c.bank.answer(took)}
					if !same {
						ev.ID += fmt.Sprint(i)
					}
					return p.engine.GatewayEvent(p.ctx, bankName, ev)
				})
				c.all(c.work)
				c.want(1, 14*usd)
			})
		})
	}
}

func TestTenRefundsAtOnce(t *testing.T) {
	inCrowd(t, func(c *crowd) {
		c.ok(c.debit(16*usd, "")(0, c.procs[0]))
		c.all(c.work)
		rows := c.want(1, 14*usd)
		made := 0
		for _, err := range c.once(func(_ int, p *process) error {
			_, err := p.engine.RefundCharge(p.ctx, billing.RefundParams{Charge: rows[0].Charge.ID, Reason: "asked for"})
			return err
		}) {
			switch {
			case err == nil:
				made++
			case billing.ErrorCode(err) != billing.Conflict:
				t.Error(err)
			}
		}
		if made != 1 {
			t.Errorf("%d refunds were made", made)
		}
		c.all(c.work)
		c.want(1, 4*usd)
		if kept := c.bank.captures()[0].kept(); kept != 0 {
			t.Errorf("the bank kept %d", kept)
		}
	})
}

func TestTenPeopleResolveOneCharge(t *testing.T) {
	inCrowd(t, func(c *crowd) {
		c.bank.plan = func(call) fault { return mute }
		c.ok(c.debit(16*usd, "")(0, c.procs[0]))
		c.ok(billing.ChargeOne(c.procs[0].engine, c.procs[0].ctx, 1))
		done := 0
		for _, err := range c.once(func(_ int, p *process) error {
			_, err := p.engine.ResolveCharge(p.ctx, billing.ResolveParams{Charge: 1, Captured: true, Reference: "pay", Reason: "seen there"})
			return err
		}) {
			switch {
			case err == nil:
				done++
			case billing.ErrorCode(err) != billing.Conflict:
				t.Error(err)
			}
		}
		if done != 1 {
			t.Errorf("%d of ten resolved it", done)
		}
		c.want(1, 14*usd)
	})
}
