package billing_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"topupd/billing"
	"topupd/db/dbtest"
)

func TestCrossingChargesOnceAndSendsAReceipt(t *testing.T) {
	k := newKit(t)
	k.seed("tok_ok")
	k.debit(t0, 15*usd) // 5.00: at the threshold is not low
	k.drain(t0)
	k.wantStates()
	k.debit(t0, 1) // a millionth below
	k.wantStates(billing.ChargeCreated)
	k.drain(t0)
	rows := k.wantStates(billing.ChargeSucceeded)
	k.wantBalance(15*usd - 1)
	k.wantMails("Receipt: 10.00 USD charged to Visa 4242")
	if rows[0].Charge.Mandate == 0 || rows[0].Charge.Posting == 0 || len(rows[0].Attempts) != 1 {
		t.Errorf("charge %+v", rows[0])
	}
	k.wantReason(billing.ReasonCharged)
	k.sweep(t0.Add(time.Hour))
	k.wantStates(billing.ChargeSucceeded)
	k.verify()
}

func TestReceiptShowsBalanceThresholdAmountAndCard(t *testing.T) {
	k := newKit(t)
	k.seed("tok_ok")
	k.debit(t0, 16*usd)
	k.drain(t0)
	body := k.mailbox.mails[0].Body
	for _, want := range []string{"Alice Rose", "Visa 4242", "Charged:    10.00 USD", "Balance:    14.00 USD", "Threshold:  5.00 USD"} {
		if !strings.Contains(body, want) {
			t.Errorf("the receipt lacks %q:\n%s", want, body)
		}
	}
	if strings.Contains(body, "tok_") {
		t.Error("the receipt shows the token")
	}
}

func TestSavingAPolicyBelowItsThresholdCharges(t *testing.T) {
	k := newKit(t)
	k.seed("tok_ok")
	k.set(t0, billing.SetLowBalanceParams{Threshold: billing.To(int64(25 * usd))})
	k.drain(t0)
	k.wantStates(billing.ChargeSucceeded)
	k.wantBalance(30 * usd)
}

func TestMailOnlyTellsOncePerCrossing(t *testing.T) {
	k := newKit(t)
	k.seed("tok_ok")
	k.set(t0, billing.SetLowBalanceParams{ChargeCard: billing.To(false)})
	k.debit(t0, 16*usd)
	k.debit(t0, usd)
	k.sweep(t0.Add(15 * time.Minute))
	k.sweep(t0.Add(48 * time.Hour))
	k.wantMails("Your balance is low: 4.00 USD")
	k.move(t0.Add(49*time.Hour), billing.PostCredit, 10*usd)
	k.debit(t0.Add(50*time.Hour), 9*usd)
	k.drain(t0.Add(50 * time.Hour))
	k.wantMails("Your balance is low: 4.00 USD")
	k.wantStates()
}

func TestCreditThatLeavesItLowMailsAtTheNextJudgement(t *testing.T) {
	k := newKit(t)
	k.seed("tok_ok")
	k.set(t0, billing.SetLowBalanceParams{ChargeCard: billing.To(false)})
	k.debit(t0, 16*usd)
	k.drain(t0)
	k.wantMails("Your balance is low: 4.00 USD")
	later := t0.Add(30 * time.Hour)
	k.move(later, billing.PostAddFunds, usd/2)
	k.drain(later)
	k.wantMails() // that transaction itself never mails
	k.sweep(later)
	k.wantMails("Your balance is low: 4.50 USD")
}

func TestCapsSpaceCharges(t *testing.T) {
	k := newKit(t)
	k.seed("tok_ok")
	k.set(t0, billing.SetLowBalanceParams{ChargeAmount: billing.To(int64(usd))})
	k.debit(t0, 100*usd) // far below: every charge leaves it low
	k.drain(t0)
	k.wantStates(billing.ChargeSucceeded)
	k.sweep(t0.Add(14 * time.Minute))
	k.wantStates(billing.ChargeSucceeded)
	for i := range 40 {
		k.sweep(t0.Add(time.Duration(i) * 15 * time.Minute))
	}
	if n := len(k.charges()); n != 5 {
		t.Fatalf("%d charges in 10 hours, want 5", n)
	}
	k.wantReason(billing.ReasonDailyCount)
	k.sweep(t0.Add(24 * time.Hour))
	if n := len(k.charges()); n != 6 {
		t.Fatalf("%d charges after 24 hours, want 6", n)
	}
	k.verify()
}

func TestSoftDeclineFollowsThePlanThenSuspends(t *testing.T) {
	k := newKit(t)
	k.seed("tok_declined")
	k.debit(t0, 16*usd)
	k.drain(t0)
	k.wantStates(billing.ChargeCreated)
	k.wantMails("Your card Visa 4242 was declined")
	at := t0
	for _, wait := range []time.Duration{time.Hour, 24 * time.Hour, 72 * time.Hour} {
		k.sweep(at.Add(wait - time.Second))
		n := len(k.charges()[0].Attempts)
		at = at.Add(wait)
		k.drain(at)
		if got := len(k.charges()[0].Attempts); got != n+1 {
			t.Fatalf("after %v: %d attempts, want %d", wait, got, n+1)
		}
	}
	k.wantStates(billing.ChargeFailed)
	k.wantMails("Automatic charges are suspended: Visa 4242 was declined")
	if s := k.policy().State.Suspended; s != billing.SuspendedDeclined {
		t.Fatalf("suspended %q", s)
	}
	// Saving the same form again does not resume; a changed amount does.
	k.set(at, billing.SetLowBalanceParams{ChargeAmount: billing.To(int64(10 * usd)), ChargeCard: billing.To(true)})
	k.wantStates(billing.ChargeFailed)
	k.set(at.Add(24*time.Hour), billing.SetLowBalanceParams{ChargeAmount: billing.To(int64(11 * usd))})
	k.wantStates(billing.ChargeFailed, billing.ChargeCreated)
	k.wantBalance(4 * usd)
	k.verify()
}

func TestRetryIsCancelledWhenMoneyCameMeanwhile(t *testing.T) {
	k := newKit(t)
	k.seed("tok_declined")
	k.debit(t0, 16*usd)
	k.drain(t0)
	k.move(t0.Add(time.Minute), billing.PostAddFunds, 50*usd)
	k.drain(t0.Add(2 * time.Hour))
	rows := k.wantStates(billing.ChargeCancelled)
	if rows[0].Charge.Reason != string(billing.ReasonNotLow) || len(rows[0].Attempts) != 1 {
		t.Fatalf("charge %+v", rows[0])
	}
	k.verify()
}

func TestHardDeclinePutsTheCardAside(t *testing.T) {
	k := newKit(t)
	k.seed("tok_lost")
	k.debit(t0, 16*usd)
	k.drain(t0)
	k.wantStates(billing.ChargeFailed)
	k.wantMails("Automatic charges are suspended: Visa 4242 was declined")
	for i := range 10 {
		k.sweep(t0.Add(time.Duration(i) * 24 * time.Hour))
	}
	k.wantStates(billing.ChargeFailed)
	// A new token makes the card usable; the suspension ends with the switch.
	k.ok(k.engine.Import(root(t0), false, func(im *billing.Importer) error {
		return im.Card(billing.CardLine{ID: 1000, Owner: billing.Account(100), Token: billing.To(billing.Secret("tok_ok"))})
	}))
	k.set(t0.Add(300*time.Hour), billing.SetLowBalanceParams{ChargeCard: billing.To(false)})
	k.set(t0.Add(300*time.Hour), billing.SetLowBalanceParams{ChargeCard: billing.To(true)})
	k.drain(t0.Add(300 * time.Hour))
	k.wantStates(billing.ChargeFailed, billing.ChargeSucceeded)
	k.wantBalance(14 * usd)
}

func TestAuthenticationRequiredWaitsForTheCustomer(t *testing.T) {
	k := newKit(t)
	k.seed("tok_authentication_required")
	k.debit(t0, 16*usd)
	k.drain(t0)
	k.wantStates(billing.ChargeFailed)
	k.wantMails("Your bank wants you to confirm a payment with Visa 4242")
	if p := k.policy(); p.State.Suspended != billing.NeedsCustomer {
		t.Fatalf("suspended %q", p.State.Suspended)
	}
	k.sweep(t0.Add(48 * time.Hour))
	k.wantStates(billing.ChargeFailed)
}

func TestUnknownOutcomeIsLookedUpNeverReplaced(t *testing.T) {
	k := newKit(t)
	k.seed("tok_timeout")
	k.debit(t0, 16*usd)
	k.drain(t0)
	rows := k.wantStates(billing.ChargeUnknown)
	key := rows[0].Attempts[0].Key
	k.leaseAll(time.Now().Add(time.Hour)) // however slow the machine is
	k.sweep(t0)                           // no second charge while it is open (C6)
	k.wantStates(billing.ChargeUnknown)
	k.wantBalance(4 * usd)       // no credit before payment (C5)
	k.drain(t0.Add(time.Second)) // asked after a second of the real clock, whatever the run's
	k.wantStates(billing.ChargeUnknown)
	k.later(t0)
	rows = k.wantStates(billing.ChargeSucceeded)
	if len(rows[0].Attempts) != 1 || rows[0].Attempts[0].Key != key {
		t.Fatalf("attempts %+v", rows[0].Attempts)
	}
	k.wantBalance(14 * usd)
	if n := k.gateway.Captures()[key]; n != 1 {
		t.Fatalf("captured %d times", n)
	}
	k.verify()
}

func TestLostRequestIsSentAgainWithTheSameKey(t *testing.T) {
	k := newKit(t)
	k.seed("tok_timeout_lost")
	k.debit(t0, 16*usd)
	k.drain(t0)
	k.wantStates(billing.ChargeUnknown)
	k.later(t0) // the lookup says: never arrived; it goes again at once
	rows := k.wantStates(billing.ChargeUnknown)
	if len(rows[0].Attempts) != 1 {
		t.Fatalf("attempts %+v", rows[0].Attempts)
	}
	k.wantBalance(4 * usd)
}

func TestGatewayFaultIsNoDecline(t *testing.T) {
	k := newKit(t)
	k.seed("tok_error")
	k.debit(t0, 16*usd)
	for i := range 20 {
		k.later(t0.Add(time.Duration(i) * 10 * time.Minute))
	}
	rows := k.wantStates(billing.ChargeCreated)
	if len(rows[0].Attempts) != 1 || rows[0].Attempts[0].State != billing.AttemptNotSent {
		t.Fatalf("attempts %+v", rows[0].Attempts)
	}
	k.wantMails()
	if p := k.policy(); p.State.Suspended != "" {
		t.Fatalf("suspended %q", p.State.Suspended)
	}
}

func TestUnknownForThreeDaysIsForAPerson(t *testing.T) {
	k := newKit(t)
	silent := silentGateway{k.gateway}
	k.config.Gateways = []billing.Gateway{silent}
	k.engine = billing.New(k.config)
	k.seed("tok_ok")
	k.debit(t0, 16*usd)
	at := t0.Add(80 * time.Hour)
	k.later(at) // the run's clock makes nothing unresolved
	k.wantStates(billing.ChargeUnknown)
	k.age(71 * time.Hour)
	k.later(at)
	k.wantStates(billing.ChargeUnknown)
	k.age(time.Hour)
	k.later(at) // it was not asked often enough: the server may have stood still
	k.wantStates(billing.ChargeUnknown)
	k.askAgain(at)
	rows := k.wantStates(billing.ChargeUnresolved)
	if !rows[0].Charge.DueAt.IsZero() || len(rows[0].Attempts) != 1 {
		t.Fatalf("charge %+v", rows[0])
	}
	k.sweep(t0.Add(1000 * time.Hour)) // never charged again by itself
	k.wantStates(billing.ChargeUnresolved)
	k.verify()
}

func TestRestartFindsASubmittedAttemptUnknown(t *testing.T) {
	k := newKit(t)
	k.seed("tok_ok")
	k.debit(t0, 16*usd)
	// A process that died between the commit of the attempt and the answer.
	dead := billing.New(withGateway(k.config, dyingGateway{k.gateway}))
	func() {
		defer func() { _ = recover() }()
		_ = billing.ChargeOne(dead, root(t0), k.charges()[0].Charge.ID)
	}()
	k.wantStates(billing.ChargeSubmitted)
	k.restart()
	k.drain(t0) // the lease holds
	k.wantStates(billing.ChargeSubmitted)
	k.later(t0)
	rows := k.wantStates(billing.ChargeSucceeded)
	if len(rows[0].Attempts) != 1 {
		t.Fatalf("attempts %+v", rows[0].Attempts)
	}
	k.wantBalance(14 * usd)
	k.verify()
}

func TestLowBalanceReasons(t *testing.T) {
	amount := billing.To(int64(10 * usd))
	tests := []struct {
		name   string
		before func(k *kit)
		reason billing.Reason
	}{
		{"charge_card without an amount", func(k *kit) {
			k.set(t0, billing.SetLowBalanceParams{ChargeAmount: billing.To(int64(0))})
		}, billing.ReasonNoAmount},
		{"no primary card", func(k *kit) {
			k.importCard(func(l *billing.CardLine) { l.Primary = billing.To(false) })
		}, billing.ReasonNoCard},
		{"an expired card", func(k *kit) {
			k.importCard(func(l *billing.CardLine) { l.ExpMonth, l.ExpYear = billing.To(int64(10)), billing.To(int64(2026)) })
		}, billing.ReasonCardExpired},
		{"a gateway that is not listed", func(k *kit) {
			k.importCard(func(l *billing.CardLine) { l.Gateway = billing.To("stripe") })
		}, billing.ReasonCardUnusable},
		{"the operator's block", func(k *kit) {
			k.importOwner(func(l *billing.OwnerLine) { l.Blocked = billing.To(true) })
		}, billing.ReasonBlocked},
		{"the customer's block", func(k *kit) {
			k.importOwner(func(l *billing.OwnerLine) {
				*l = billing.OwnerLine{Owner: billing.Customer(10), Blocked: billing.To(true)}
			})
		}, billing.ReasonCustomerBlock},
	}
	_ = amount
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			k := newKit(t)
			k.seed("tok_ok")
			tt.before(k)
			k.debit(t0, 16*usd)
			k.drain(t0)
			k.wantStates()
			k.wantReason(tt.reason)
			k.wantMails("Your balance is low: 4.00 USD")
			k.debit(t0, usd)
			list, err := k.engine.Why(root(t0), billing.Account(100), 0, 100)
			k.ok(err)
			if len(list) != 1 {
				t.Errorf("the same skip was kept %d times", len(list))
			}
		})
	}
}

func TestAccountDoesNotUseItsCustomersCard(t *testing.T) {
	k := newKit(t)
	k.seed("tok_ok")
	k.importCard(func(l *billing.CardLine) { l.Primary = billing.To(false) })
	k.ok(k.engine.Import(root(t0), false, func(im *billing.Importer) error {
		return im.Card(billing.CardLine{ID: 1001, Owner: billing.Customer(10), Token: billing.To(billing.Secret("tok_ok")), Primary: billing.To(true)})
	}))
	err := k.engine.SetLowBalance(root(t0), billing.SetLowBalanceParams{Owner: billing.Account(100), Card: billing.To(billing.CardID(1001))})
	if !errors.Is(err, billing.NotFound) || billing.ErrorField(err) != "i_debit_credit_card" {
		t.Fatalf("a foreign card: %v", err)
	}
	k.debit(t0, 16*usd)
	k.drain(t0)
	k.wantStates()
}

func TestImportHoldsUntilGolive(t *testing.T) {
	k := newKit(t)
	k.seed("tok_ok")
	k.ok(k.engine.Import(root(t0), true, func(im *billing.Importer) error {
		return im.Owner(billing.OwnerLine{Owner: billing.Account(100), Balance: billing.To(int64(usd))})
	}))
	k.wantBalance(usd)
	k.sweep(t0)
	k.wantStates()
	k.wantMails()
	n, err := k.engine.Golive(root(t0), billing.Customer(10))
	k.ok(err)
	if n != 1 {
		t.Fatalf("%d owners went live, want 1", n)
	}
	k.sweep(t0.Add(time.Minute))
	k.wantStates(billing.ChargeSucceeded)
	k.verify()
}

func TestMailIsTriedAgain(t *testing.T) {
	k := newKit(t)
	k.seed("tok_ok")
	k.mailbox.fail = errors.New("greylisted")
	k.debit(t0, 16*usd)
	k.drain(t0)
	k.wantMails()
	k.mailbox.fail = nil
	k.later(t0)
	k.wantMails("Receipt: 10.00 USD charged to Visa 4242")
	k.drain(t0.Add(time.Hour))
	k.wantMails()
}

func TestDryRunChangesNothingAndAgrees(t *testing.T) {
	k := newKit(t)
	k.seed("tok_ok")
	k.ok(k.engine.Import(root(t0), false, func(im *billing.Importer) error {
		return im.Owner(billing.OwnerLine{Owner: billing.Account(100), Balance: billing.To(int64(usd))})
	}))
	var dry []billing.Decision
	run, _, err := k.engine.RunLowBalance(root(t0), billing.RunParams{DryRun: true, Each: func(d billing.Decision) { dry = append(dry, d) }})
	k.ok(err)
	if run.Tally.Charges != 1 || len(dry) != 1 || dry[0].Charge == nil {
		t.Fatalf("dry run: %+v %+v", run.Tally, dry)
	}
	k.wantStates()
	real := k.sweep(t0)
	k.wantStates(billing.ChargeSucceeded)
	if real.Tally.Charges != run.Tally.Charges || real.Tally.Decided != run.Tally.Decided {
		t.Fatalf("dry %+v, real %+v", run.Tally, real.Tally)
	}
}

func TestScheduledFiringRunsOnce(t *testing.T) {
	k := newKit(t)
	k.seed("tok_ok")
	for i := range 3 {
		_, done, err := k.engine.RunLowBalance(root(t0), billing.RunParams{Key: "2026-11-22T12:00Z", Trigger: "schedule"})
		k.ok(err)
		if done != (i == 0) {
			t.Fatalf("firing %d: done %v", i, done)
		}
	}
}

func TestCardPutAsideIsNotChargedByAnotherPolicy(t *testing.T) {
	k := newKit(t)
	k.seed("tok_lost")
	k.debit(t0, 16*usd)
	k.drain(t0)
	k.wantStates(billing.ChargeFailed)
	later := t0.Add(48 * time.Hour)
	k.set(later, billing.SetLowBalanceParams{ChargeAmount: billing.To(int64(9 * usd))}) // ends the suspension
	k.drain(later)
	k.wantStates(billing.ChargeFailed)
	k.wantReason(billing.ReasonCardUnusable)
	k.set(later, billing.SetLowBalanceParams{Card: billing.To(billing.CardID(1000))})
	k.drain(later)
	k.wantStates(billing.ChargeFailed)
	k.wantReason(billing.ReasonCardGone)
}

// A success is a credit: it re-arms the mail of an owner that stays low.
func TestSuccessThatLeavesItLowRearms(t *testing.T) {
	k := newKit(t, func(c *billing.Config) { c.Settings.Limits.CapMonth = usd })
	k.seed("tok_ok")
	k.set(t0, billing.SetLowBalanceParams{ChargeAmount: billing.To(int64(usd))})
	k.debit(t0, 19*usd)
	k.drain(t0)
	k.wantMails("Receipt: 1.00 USD charged to Visa 4242")
	k.sweep(t0.Add(time.Hour)) // the month's cap is reached; at most one mail in 24 hours
	k.wantMails()
	k.sweep(t0.Add(25 * time.Hour))
	k.wantMails("Your balance is low: 2.00 USD")
	k.wantStates(billing.ChargeSucceeded)
}

// A restored copy does not know of the charges made since: the ids that it gives
// again must not lead to keys that the gateway knows. What was under way keeps its key.
func TestRestoredCopyHasKeysOfItsOwn(t *testing.T) {
	dbtest.SQLiteOnly(t, "PostgreSQL has its own tools to copy a database")
	k := newKit(t)
	k.seed("tok_timeout")
	k.debit(t0, 16*usd)
	k.drain(t0)
	first := k.wantStates(billing.ChargeUnknown)[0].Attempts[0].Key
	copied := k.address + ".copy"
	k.ok(k.store.Backup(root(t0), copied))
	spend := func() string {
		k.later(t0.Add(time.Second))
		k.debit(t0.Add(time.Hour), 12*usd)
		k.drain(t0.Add(time.Hour))
		rows := k.wantStates(billing.ChargeSucceeded, billing.ChargeUnknown)
		if rows[0].Attempts[0].Key != first || rows[1].Charge.ID != 2 {
			t.Fatalf("charges %+v", rows)
		}
		return rows[1].Attempts[0].Key
	}
	original := spend()
	k.address = copied
	k.restart()
	if restored := spend(); restored == original {
		t.Fatalf("the copy's new charge has the key %s again", restored)
	}
	if n := k.gateway.Captures()[first]; n != 1 {
		t.Fatalf("captured %d times", n)
	}
}

// A crossing whose charge is cancelled was told to nobody: the mail follows.
func TestCancelledChargeLeavesTheMailToBeSent(t *testing.T) {
	k := newKit(t)
	k.seed("tok_error")
	k.debit(t0, 16*usd)
	k.drain(t0)
	k.wantStates(billing.ChargeCreated)
	k.set(t0, billing.SetLowBalanceParams{ChargeCard: billing.To(false)})
	k.later(t0)
	k.wantStates(billing.ChargeCancelled)
	k.sweep(t0)
	k.wantMails("Your balance is low: 4.00 USD")
}

// What the suspension's mail promises: a payment, or another card, ends it.
func TestSuspensionEnds(t *testing.T) {
	tests := map[string]func(k *kit){
		"a new token": func(k *kit) {
			k.importCard(func(l *billing.CardLine) { l.Token = billing.To(billing.Secret("tok_ok")) })
		},
		"another primary card": func(k *kit) {
			k.importCard(func(l *billing.CardLine) { l.Primary = billing.To(false) })
			k.importCard(func(l *billing.CardLine) {
				l.ID, l.Token, l.Primary = 1001, billing.To(billing.Secret("tok_ok")), billing.To(true)
			})
		},
		"funds": func(k *kit) {
			k.importCard(func(l *billing.CardLine) { l.Token = billing.To(billing.Secret("tok_ok")) })
			k.move(t0.Add(time.Hour), billing.PostAddFunds, 1)
		},
	}
	for name, mend := range tests {
		t.Run(name, func(t *testing.T) {
			k := newKit(t)
			k.seed("tok_lost")
			k.debit(t0, 16*usd)
			k.drain(t0)
			k.wantStates(billing.ChargeFailed)
			mend(k)
			if s := k.policy().State.Suspended; s != "" {
				t.Fatalf("suspended %q", s)
			}
			k.sweep(t0.Add(2 * time.Hour))
			k.wantStates(billing.ChargeFailed, billing.ChargeSucceeded)
		})
	}
}

func TestLiftingACustomersBlockLooksAtItsAccounts(t *testing.T) {
	k := newKit(t)
	k.seed("tok_ok")
	block := func(on bool) {
		k.importOwner(func(l *billing.OwnerLine) {
			*l = billing.OwnerLine{Owner: billing.Customer(10), Blocked: billing.To(on)}
		})
	}
	block(true)
	k.debit(t0, 16*usd)
	k.drain(t0)
	k.wantStates()
	block(false)
	k.sweep(t0)
	k.wantStates(billing.ChargeSucceeded)
}

// The interval counts from the capture, not from the first try.
func TestIntervalCountsFromTheCapture(t *testing.T) {
	k := newKit(t)
	k.seed("tok_declined")
	k.debit(t0, 40*usd)
	k.drain(t0)
	k.swapToken("tok_ok")
	k.drain(t0.Add(time.Hour))
	k.wantStates(billing.ChargeSucceeded)
	k.sweep(t0.Add(time.Hour + 14*time.Minute))
	k.wantStates(billing.ChargeSucceeded)
	k.sweep(t0.Add(time.Hour + 15*time.Minute))
	k.wantStates(billing.ChargeSucceeded, billing.ChargeSucceeded)
}

// A token that does not open waits for its key; it is not charged in circles.
func TestTokenThatDoesNotOpenWaits(t *testing.T) {
	k := newKit(t)
	k.seed("tok_ok")
	k.config.Sealer = otherSealer{}
	k.config.Observer = nil
	k.engine = billing.New(k.config)
	k.debit(t0, 16*usd)
	k.drain(t0)
	k.sweep(t0)
	k.wantStates(billing.ChargeCreated)
	k.config.Sealer = plainSealer{}
	k.engine = billing.New(k.config)
	k.later(t0)
	k.wantStates(billing.ChargeSucceeded)
}
