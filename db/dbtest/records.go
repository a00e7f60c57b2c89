package dbtest

import (
	"math"
	"testing"
	"time"

	"topupd/billing"
)

// records is the first grade: what is written is read back, field by field.
func records(t *testing.T, e Engine) {
	for name, run := range map[string]func(*world){
		"store":                       storeItself,
		"owners":                      ownerRecords,
		"owner lists":                 ownerLists,
		"deleted":                     deletedOwners,
		"unfinished":                  unfinishedOwners,
		"above":                       aboveOwners,
		"blocks":                      blocksAndHolds,
		"policies":                    policyRecords,
		"judged":                      judgedOwners,
		"judgements":                  dueJudgements,
		"decisions":                   decisionRecords,
		"cards":                       cardRecords,
		"mandates":                    mandateRecords,
		"ledger":                      ledgerRecords,
		"overflow":                    ledgerOverflow,
		"charges":                     chargeRecords,
		"due charges":                 dueCharges,
		"payments":                    paymentRecords,
		"paid since":                  paidSince,
		"one payment":                 onePayment,
		"one time":                    oneTimeCards,
		"attempts":                    attemptsByKeyAndRef,
		"refunds":                     refundRecords,
		"disputes":                    disputeRecords,
		"events":                      gatewayEvents,
		"sending":                     sendingRecords,
		"one card":                    oneCard,
		"history":                     automaticHistory,
		"tally":                       runTally,
		"profiles":                    profileRecords,
		"topups":                      topupRecords,
		"expected":                    expectedRecords,
		"plans":                       planRecords,
		"periods":                     periodRecords,
		"runs":                        runRecords,
		"notices":                     noticeRecords,
		"logins":                      loginRecords,
		"sealed":                      sealedRecords,
		"objects":                     objectRecords,
		"times":                       timeRecords,
		"audit":                       auditRecords,
		"audit ends":                  auditEnds,
		"vouchers":                    voucherRecords,
		"orders":                      subscriptionRecords,
		"tokens":                      tokenRecords,
		"answers":                     answerRecords,
		"pools":                       poolRecords,
		"hubs":                        hubRecords,
		"told":                        eventRecords,
		"deliveries":                  deliveryRecords,
		"old events":                  oldEvents,
		"adjustments":                 adjustmentRecords,
		"transfers":                   transferRecords,
		"transfers of deleted owners": transfersOfDeleted,
		"reservations":                reservationRecords,
		"buckets":                     openedBucketRecords,
		"top-ups":                     topUpRecords,
		"guesses":                     guessRecords,
		"services":                    serviceRecords,
		"rules":                       ruleRecords,
		"balance topups":              balanceTopupRecords,
		"minutes":                     minuteRecords,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run(newWorld(t, e))
		})
	}
}

func storeItself(w *world) {
	if n := w.s.Instance(); len(n) < 8 {
		w.Errorf("instance %q is shorter than 8 letters", n)
	}
	if err := w.s.Ping(w.Context()); err != nil {
		w.Error(err)
	}
	found, err := w.s.Verify(w.Context(), 10)
	if err != nil || len(found) != 0 {
		w.Errorf("verify: %v, %v", found, err)
	}
	root := read(w, func(r billing.Reader) (billing.Owner, error) { return r.Owner(billing.Root) })
	if root.Parent != 0 || root.CreditLimit != nil || root.Path != "/1/" || root.Top != billing.Root || root.Currency != usd {
		w.Errorf("root is %+v", root)
	}
}

func ownerRecords(w *world) {
	var o billing.Owner
	stuff(&o)
	o.ID, o.Parent, o.Top, o.Path, o.Currency = billing.Account(7), acme, acme, "/1/10/", "EUR"
	o.OnPayment, o.DeletedAt = billing.OnPaymentRestart, time.Time{} // PutOwner deletes nothing
	w.update(func(tx billing.Tx) error { return tx.PutOwner(&o) })
	get := func(r billing.Reader) (billing.Owner, error) { return r.Owner(o.ID) }
	got := read(w, get)
	same(w, got, o)
	utc(w, got)

	// Putting back what was read clashes with nothing, its own unique fields least.
	got.Name = "renamed"
	w.update(func(tx billing.Tx) error { return tx.PutOwner(&got) })
	same(w, read(w, get), got)

	// Every field is replaced, a limit of nil is not one of zero, a zero time is one.
	plain := billing.Owner{ID: o.ID, Parent: zeta, Top: zeta, Path: "/1/12/", Currency: usd}
	w.update(func(tx billing.Tx) error { return tx.PutOwner(&plain) })
	same(w, read(w, get), plain)

	missing(w, func(r billing.Reader) (billing.Owner, error) { return r.Owner(billing.Account(8)) })
	for kind, want := range map[billing.OwnerKind]int64{billing.KindCustomer: 12, billing.KindAccount: 102} {
		same(w, read(w, func(r billing.Reader) (int64, error) { return r.MaxOwnerNumber(kind) }), want)
	}
}

func aboveOwners(w *world) {
	type above struct {
		Blocks billing.Block
		Held   bool
	}
	get := func(id billing.OwnerID) above {
		return read(w, func(r billing.Reader) (a above, err error) {
			o, err := r.Owner(id)
			if err == nil {
				a.Blocks, a.Held, err = r.Above(o)
			}
			return a, err
		})
	}
	same(w, get(bob), above{})
	w.update(func(tx billing.Tx) error { return tx.SetBlocked(bob, billing.BlockOperator, noon) })
	same(w, get(bob), above{})
	w.update(func(tx billing.Tx) error { return tx.SetBlocked(acmeE, billing.BlockFraud, noon) })
	w.update(func(tx billing.Tx) error { return tx.SetBlocked(acme, billing.BlockDispute, noon) })
	same(w, get(bob), above{Blocks: billing.BlockFraud | billing.BlockDispute})
	same(w, get(acmeE), above{Blocks: billing.BlockDispute})
	same(w, get(acme), above{})
	same(w, get(carol), above{})

	// Deeper than one statement may ask about.
	parent, path := acmeE, "/1/10/11/"
	deep := billing.Account(900)
	w.update(func(tx billing.Tx) error {
		for n, part := range []string{"20/", "21/", "22/", "23/", "24/", "25/"} {
			path += part
			o := owner(billing.Customer(int64(20+n)), parent, acme, path)
			if err := tx.PutOwner(&o); err != nil {
				return err
			}
			parent = o.ID
		}
		o := owner(deep, parent, acme, path)
		return tx.PutOwner(&o)
	})
	w.update(func(tx billing.Tx) error {
		o, err := tx.Owner(billing.Customer(25))
		o.Held = true
		if err != nil {
			return err
		}
		return tx.PutOwner(&o)
	})
	same(w, get(deep), above{billing.BlockFraud | billing.BlockDispute, true})
}

func blocksAndHolds(w *world) {
	w.update(func(tx billing.Tx) error { return tx.SetBlocked(alice, billing.BlockBilling|billing.BlockFraud, noon) })
	got := read(w, func(r billing.Reader) (billing.Owner, error) { return r.Owner(alice) })
	if got.Blocked != billing.BlockBilling|billing.BlockFraud || !got.UpdatedAt.Equal(noon) {
		w.Errorf("blocked %v at %v", got.Blocked, got.UpdatedAt)
	}
	w.refused(billing.NotFound, "", func(tx billing.Tx) error { return tx.SetBlocked(billing.Account(9), 1, noon) })
	w.refused(billing.NotFound, "", func(tx billing.Tx) error {
		_, err := tx.SetHeld(billing.Customer(9), true, noon)
		return err
	})
	hold := func(o billing.OwnerID, held bool, want int64) {
		w.Helper()
		var n int64
		w.update(func(tx billing.Tx) (err error) {
			n, err = tx.SetHeld(o, held, noon)
			return err
		})
		if n != want {
			w.Errorf("SetHeld(%v, %v) changed %d, not %d", o, held, n, want)
		}
	}
	hold(bob, true, 1)
	hold(bob, true, 0)
	hold(acme, true, 3) // acme, acmeE, alice; bob is held already
	hold(acmeE, false, 2)
	hold(billing.Root, true, 5)
	hold(billing.Root, false, 7)
}

func policyRecords(w *world) {
	var p billing.LowBalance
	stuff(&p)
	c := w.card[alice]
	p.Owner, p.Card, p.BRCard = alice, &c, &c
	w.update(func(tx billing.Tx) error { return tx.PutLowBalance(&p) })
	get := func(r billing.Reader) (billing.Judged, error) { return r.OwnerPolicy(alice) }
	got := read(w, get)
	same(w, got.Policy, p)
	utc(w, got)
	if got.Owner.ID != alice || !got.Configured {
		w.Errorf("owner %v, configured %v", got.Owner.ID, got.Configured)
	}

	var st billing.LowBalanceState
	stuff(&st)
	st.Below, st.MailedAt, st.JudgeAt, st.Suspended = false, time.Time{}, time.Time{}, ""
	w.update(func(tx billing.Tx) error { return tx.PutLowBalanceState(alice, st) })
	p.State = st
	same(w, read(w, get).Policy, p)

	plain := billing.LowBalance{Owner: alice, Retry: &billing.NotificationRetry{}}
	w.update(func(tx billing.Tx) error { return tx.PutLowBalance(&plain) })
	same(w, read(w, get).Policy, plain)

	never := read(w, func(r billing.Reader) (billing.Judged, error) { return r.OwnerPolicy(bob) })
	same(w, never.Policy, billing.LowBalance{})
	if never.Configured || never.Owner.ID != bob {
		w.Errorf("an owner without a policy reads as %+v", never)
	}
	missing(w, func(r billing.Reader) (billing.Judged, error) { return r.OwnerPolicy(billing.Account(9)) })
	w.refused(billing.NotFound, "", func(tx billing.Tx) error { return tx.PutLowBalanceState(bob, st) })

	// The terms alone leave the state as it is.
	was := policyOf(w, alice)
	var terms billing.LowBalance
	stuff(&terms)
	terms.Owner, terms.Card, terms.BRCard = alice, nil, nil
	w.update(func(tx billing.Tx) error { return tx.PutLowBalanceTerms(&terms) })
	terms.State = was.State
	same(w, policyOf(w, alice), terms)
	w.refused(billing.NotFound, "", func(tx billing.Tx) error { return tx.PutLowBalanceTerms(&billing.LowBalance{Owner: bob}) })
	w.refused(billing.NotFound, "", func(tx billing.Tx) error {
		return tx.PutLowBalance(&billing.LowBalance{Owner: billing.Account(9)})
	})
}

func policyOf(w *world, o billing.OwnerID) billing.LowBalance {
	w.Helper()
	return read(w, func(r billing.Reader) (billing.Judged, error) { return r.OwnerPolicy(o) }).Policy
}

func judgedOwners(w *world) {
	get := func(o billing.OwnerID) billing.Judged {
		return read(w, func(r billing.Reader) (billing.Judged, error) { return r.Judged(o) })
	}
	j := get(alice)
	same(w, j.Bucket, billing.Bucket{Owner: alice, Unit: usd})
	if j.Configured || j.OpenCharge != 0 || j.OpenPeriods {
		w.Errorf("a new owner is judged as %+v", j)
	}
	c := w.charge(alice, "a")
	manual := w.charge(alice, "manual")
	manual.Purpose, manual.By.Customer = billing.PurposeManual, acme
	w.update(func(tx billing.Tx) error {
		if err := tx.Post(posting(alice, "p", 500)); err != nil {
			return err
		}
		if err := tx.CreateCharge(manual); err != nil {
			return err
		}
		return tx.PutLowBalance(&billing.LowBalance{Owner: alice, ChargeAmount: 3})
	})
	j = get(alice)
	if j.Bucket.Balance != 500 || !j.Configured || j.Policy.ChargeAmount != 3 || j.OpenCharge != 0 {
		w.Errorf("judged %+v", j)
	}
	w.update(func(tx billing.Tx) error {
		if err := tx.CreateCharge(c); err != nil {
			return err
		}
		return tx.CreatePeriod(w.period("2026-12-01"))
	})
	j = get(alice)
	if j.OpenCharge != c.ID || !j.OpenPeriods {
		w.Errorf("judged %+v", j)
	}
	// In a Tx it sees what the Tx wrote.
	w.update(func(tx billing.Tx) error {
		c.State, c.SettledAt = billing.ChargeCancelled, noon
		if err := tx.SetCharge(c); err != nil {
			return err
		}
		j, err := tx.Judged(alice)
		if j.OpenCharge != 0 {
			w.Errorf("a settled charge is open")
		}
		return err
	})
	missing(w, func(r billing.Reader) (billing.Judged, error) { return r.Judged(billing.Account(9)) })
}

func dueJudgements(w *world) {
	at := func(o billing.OwnerID, t time.Time) {
		w.update(func(tx billing.Tx) error {
			return tx.PutLowBalance(&billing.LowBalance{Owner: o, State: billing.LowBalanceState{JudgeAt: t}})
		})
	}
	at(alice, noon.Add(time.Second))
	at(bob, noon)
	at(carol, time.Time{})
	due := func(now time.Time, limit int) []billing.OwnerID {
		return read(w, func(r billing.Reader) ([]billing.OwnerID, error) { return r.DueJudgements(now, limit) })
	}
	same(w, due(noon.Add(-time.Microsecond), 9), nil)
	same(w, due(noon, 9), []billing.OwnerID{bob})
	same(w, due(noon.Add(time.Hour), 9), []billing.OwnerID{bob, alice})
	same(w, due(noon.Add(time.Hour), 1), []billing.OwnerID{bob})
}

func decisionRecords(w *world) {
	var d billing.Decision
	stuff(&d)
	run := billing.Run{Job: billing.JobLowBalance}
	c := w.charge(alice, "x")
	m := billing.Mandate{Owner: alice, Top: acme, Purpose: billing.PurposeLowBalance, At: noon}
	d.Owner, d.Top = alice, acme
	d.Charge = &billing.ChargePlan{Card: billing.Card{ID: w.card[alice]}, Credit: 5, Tax: 1, Fee: 0}
	w.update(func(tx billing.Tx) error {
		if err := tx.CreateRun(&run); err != nil {
			return err
		}
		if err := tx.CreateCharge(c); err != nil {
			return err
		}
		if err := tx.PutMandate(&m); err != nil {
			return err
		}
		d.Run, d.Made, d.Charge.Mandate = run.ID, c.ID, m.ID
		return tx.KeepDecision(&d)
	})
	if d.ID == 0 {
		w.Error("the decision has no id")
	}
	plain := billing.Decision{Owner: bob, Top: acme, Reason: billing.ReasonHeld}
	w.update(func(tx billing.Tx) error { return tx.KeepDecision(&plain) })

	of := func(o billing.OwnerID, before int64, limit int) []billing.Decision {
		return read(w, func(r billing.Reader) ([]billing.Decision, error) { return r.Decisions(o, before, limit) })
	}
	all := of(0, 0, 9)
	utc(w, all)
	want := d
	plan := *d.Charge
	plan.Card = billing.Card{ID: w.card[alice], Owner: alice, Gateway: "sandbox", Last4: "4242"} // as far as history needs it
	want.Charge, want.Topup = &plan, nil                                                         // what a profile decided is not kept
	same(w, all, []billing.Decision{plain, want})
	same(w, of(alice, 0, 9), []billing.Decision{want})
	same(w, of(0, plain.ID, 9), []billing.Decision{want})
	same(w, of(0, 0, 1), []billing.Decision{plain})
}

func timeRecords(w *world) {
	for _, at := range []time.Time{
		noon,
		time.Unix(0, 0),
		time.Date(1969, 7, 20, 20, 17, 40, 1000, time.UTC),
		time.Date(2024, 2, 29, 23, 59, 59, 999999000, time.FixedZone("", -12*3600)),
		time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC),
		{},
	} {
		o := owner(alice, acme, acme, "/1/10/")
		o.CreatedAt = at
		w.update(func(tx billing.Tx) error { return tx.PutOwner(&o) })
		got := read(w, func(r billing.Reader) (billing.Owner, error) { return r.Owner(alice) })
		if !got.CreatedAt.Equal(at) || got.CreatedAt.IsZero() != at.IsZero() || got.CreatedAt.Location() != time.UTC {
			w.Errorf("%v is read as %v", at, got.CreatedAt)
		}
	}
	for _, n := range []int64{math.MaxInt64, math.MinInt64 + 1, 0, -1} {
		o := owner(alice, acme, acme, "/1/10/")
		o.CreditLimit = &n
		w.update(func(tx billing.Tx) error { return tx.PutOwner(&o) })
		got := read(w, func(r billing.Reader) (billing.Owner, error) { return r.Owner(alice) })
		same(w, got.CreditLimit, &n)
	}
}
