package billing_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"topupd/billing"
)

// What the simulator found, each as the least that shows it.

func scened(t *testing.T, s story, test func(c *scene)) {
	synctest.Test(t, func(t *testing.T) {
		st := newStage(t, &s)
		defer st.close()
		st.plays++
		c := &scene{stage: st, owner: billing.Account(st.plays), card: billing.CardID(st.plays)}
		c.prepare()
		c.next()
		test(c)
		for _, w := range c.bank.wrong {
			t.Error(w)
		}
	})
}

func (c *scene) attempts() (list []billing.Attempt) {
	c.view(func(r billing.Reader) (err error) {
		list, err = r.Attempts(1)
		return err
	})
	return list
}

func (c *scene) newToken(card billing.CardID, token string) {
	c.ok(c.p.engine.Import(c.p.ctx, false, func(im *billing.Importer) error {
		return im.Card(billing.CardLine{ID: card, Owner: c.owner, Token: billing.To(billing.Secret(token))})
	}))
}

// 1. An attempt whose outcome is not known is asked about, or sent again, with
// the token that the card has now: the same key with other contents.
func TestSimulatedTokenChangesUnderAnAttempt(t *testing.T) {
	for _, f := range []fault{silentAfter, failed} {
		t.Run(f.String(), func(t *testing.T) {
			s := story{plan: faultAt("charge", 1, 1, f)}
			scened(t, s, func(c *scene) {
				c.do(call1)
				c.ok(billing.ChargeOne(c.p.engine, c.p.ctx, 1))
				time.Sleep(time.Minute)
				c.newToken(c.card, "another")
				c.do(work(0))
			})
		})
	}
}

// 2. A refund's failure that is told before its success is booked as a success.
func TestSimulatedRefundFailsOutOfOrder(t *testing.T) {
	for _, ours := range []bool{true, false} {
		t.Run(fmt.Sprintf("ours %t", ours), func(t *testing.T) {
			scened(t, story{}, func(c *scene) {
				c.do(call1)
				c.do(work(0))
				p := c.payments()[0]
				ev := billing.GatewayEvent{Kind: billing.EventRefund, Key: p.first.Key, Ref: p.ref, RefundRef: "re_1", Amount: p.first.Amount}
				if ours {
					f, err := c.p.engine.RefundCharge(c.p.ctx, billing.RefundParams{Charge: 1, Reason: "r"})
					c.ok(err)
					ev.RefundKey = f.Key
				}
				made, bounced := ev, ev
				made.ID, made.At, made.Result.Outcome = "evt_1", time.Now(), billing.OutcomeSucceeded
				bounced.ID, bounced.At, bounced.Result.Outcome = "evt_2", time.Now().Add(48*time.Hour), billing.OutcomeDeclined
				c.ok(c.p.engine.GatewayEvent(c.p.ctx, bankName, bounced))
				c.ok(c.p.engine.GatewayEvent(c.p.ctx, bankName, made))
				if got := c.end().Balance; got != 14*usd {
					c.t.Errorf("ours %t: balance %s, want 14: the refund failed in the end", ours, billing.FormatMicros(got))
				}
			})
		})
	}
}

// 3. The first decline of a card is not counted for its fingerprint.
func TestSimulatedFirstDeclineHasNoPrint(t *testing.T) {
	scened(t, story{verdict: []verdict{soft}}, func(c *scene) {
		c.do(call1)
		c.do(work(0))
		if a := c.attempts()[0]; a.Print != fmt.Sprintf("bank:fp_tok%05d", c.card) {
			c.t.Errorf("the declined attempt is counted for %q", a.Print)
		}
	})
}

// 4. A card that got another token keeps the fingerprint of the old one: it is
// put aside when the old card is reported lost elsewhere.
func TestSimulatedNewTokenKeepsTheOldFingerprint(t *testing.T) {
	scened(t, story{}, func(c *scene) {
		c.do(call1)
		c.do(work(0)) // the fingerprint of "tok" is known
		c.newToken(c.card, "brand new")
		c.view(func(r billing.Reader) error {
			card, err := r.Card(c.card)
			if card.Fingerprint == "fp_tok" {
				c.t.Errorf("the new card has the old one's fingerprint %q", card.Fingerprint)
			}
			return err
		})
	})
}

// 5. A settled attempt keeps the code of the trouble before it.
func TestSimulatedSuccessKeepsTheTroublesCode(t *testing.T) {
	scened(t, story{plan: faultAt("charge", 1, 1, silentAfter)}, func(c *scene) {
		c.do(call1)
		c.do(work(0))
		c.do(work(time.Minute))
		if a := c.attempts()[0]; a.State != billing.AttemptSucceeded || a.Code != "" {
			c.t.Errorf("the attempt is %s with code %q, message %q", a.State, a.Code, a.Message)
		}
	})
}

// 6. One failed lookup after a long stop makes a charge unresolved for ever.
func TestSimulatedOneLookupAfterALongStop(t *testing.T) {
	s := story{plan: func(c call) fault {
		switch {
		case c.kind == "charge":
			return silentAfter
		case c.nth == 1:
			return limited // "not so fast", says the gateway after a restart
		}
		return honest
	}}
	scened(t, s, func(c *scene) {
		c.do(call1)
		c.ok(billing.ChargeOne(c.p.engine, c.p.ctx, 1))
		time.Sleep(73 * time.Hour) // a long weekend without a server
		for range 100 {
			c.do(work(time.Hour))
		}
		c.view(func(r billing.Reader) error {
			ch, err := r.Charge(1)
			if ch.State != billing.ChargeSucceeded {
				c.t.Errorf("the charge is %s; the bank was asked %d times, and would have told at the second", ch.State, c.payments()[0].calls["lookup"])
			}
			return err
		})
	})
}

// 7. The network's limit is not looked at before a retry: with a card that two
// owners have it is passed.
func TestSimulatedNetworkLimitOfASharedCard(t *testing.T) {
	const tok = "tok-22" // a Mastercard at the bank: 10 a day
	synctest.Test(t, func(t *testing.T) {
		s := story{}
		st := newStage(t, &s)
		defer st.close()
		st.bank.issuer = func(billing.ChargeID, int, billing.Secret) verdict { return soft }
		p := st.process(0)
		set := func(o billing.OwnerID, amount int64) {
			st.ok(p.engine.SetLowBalance(p.ctx, billing.SetLowBalanceParams{
				Owner: o, Threshold: billing.To(int64(50 * usd)), ChargeCard: billing.To(true), ChargeAmount: billing.To(amount),
			}))
		}
		// Eight owners with one card, whose fingerprint is known.
		for n := range int64(8) {
			c := &scene{stage: st, owner: billing.Account(n + 1), card: billing.CardID(n + 1)}
			c.prepare()
			c.p = p
			c.newToken(c.card, tok)
			st.ok(st.store.Update(context.Background(), func(tx billing.Tx) error {
				card, err := tx.Card(c.card)
				if err != nil {
					return err
				}
				card.Fingerprint, card.Brand = "fp_"+tok, "Mastercard"
				return tx.PutCard(&card)
			}))
		}
		// Each is declined now, and tried again in an hour.
		for n := range int64(8) {
			set(billing.Account(n+1), 10*usd)
			st.ok(p.engine.Drain(p.ctx))
		}
		time.Sleep(time.Hour)
		for id := range billing.ChargeID(8) { // a worker would take up the next one while this one is booked
			st.ok(billing.ChargeOne(p.engine, p.ctx, id+1))
		}
		if n := len(st.bank.list); n > 10 {
			t.Errorf("%d tries of one Mastercard in a day, of which the first ten were declined", n)
		}
	})
}

// stalling holds the first charge for as long as a machine that was paused; its
// request is never sent, since its time is over when it wakes.
type stalling struct {
	*bank
	stalls *atomic.Int64
}

func (g stalling) Charge(ctx context.Context, c billing.GatewayCharge) billing.GatewayResult {
	if g.stalls.Add(1) == 1 {
		time.Sleep(90 * time.Second)
		return billing.GatewayResult{Outcome: billing.OutcomeNotAttempted, Code: "not_sent"}
	}
	return g.bank.Charge(ctx, c)
}

// 8. "Not sent" from a worker that was paused for longer than its lease undoes
// what the next worker is about: the charge is cancelled while it is captured.
func TestSimulatedAPausedWorkerUndoesTheNext(t *testing.T) {
	// The second worker's request captures, and its answer never comes.
	s := story{plan: faultAt("charge", 1, 1, silentAfter)}
	scened(t, s, func(c *scene) {
		var stalls atomic.Int64
		c.gate = stalling{c.bank, &stalls}
		slow, quick := c.process(0), c.process(0)
		c.p = quick
		c.do(call1)
		go func() { _ = billing.ChargeOne(slow.engine, slow.ctx, 1) }()
		time.Sleep(40 * time.Second) // the lease is over: it is looked up, and not there
		c.ok(billing.ChargeOne(quick.engine, quick.ctx, 1))
		time.Sleep(49*time.Second + 500*time.Millisecond)
		go func() { _ = billing.ChargeOne(quick.engine, quick.ctx, 1) }() // sent, captured, no answer yet
		time.Sleep(700 * time.Millisecond)                                // and the first one wakes
		_, err := quick.engine.MoveFunds(quick.ctx, billing.MoveFundsParams{Owner: c.owner, Kind: billing.PostAddFunds, Amount: 50 * usd, Currency: "USD"})
		c.ok(err)
		for range 20 {
			c.do(work(time.Minute))
		}
		c.view(func(r billing.Reader) error {
			ch, err := r.Charge(1)
			if ch.State != billing.ChargeSucceeded {
				c.t.Errorf("the bank captured %d, and the charge is %s (%s)", len(c.bank.captures()), ch.State, ch.Reason)
			}
			return err
		})
	})
}
