package dbtest

import (
	"fmt"
	"testing"
	"time"

	"topupd/billing"
)

// constraints is the second grade: every state that must be impossible is
// tried, through the port where it goes there, else behind its back.
func constraints(t *testing.T, e Engine) {
	for name, run := range map[string]func(*world){
		"owners":       ownerRules,
		"cards":        cardRules,
		"policies":     policyRules,
		"ledger":       ledgerRules,
		"charges":      chargeRules,
		"settled":      settledByNothing,
		"states":       stateRules,
		"attempts":     attemptRules,
		"plans":        planRules,
		"runs":         runRules,
		"notices":      noticeRules,
		"logins":       loginRules,
		"behind":       rulesBehindThePort,
		"audit":        auditRules,
		"vouchers":     voucherRules,
		"profiles":     profileRules,
		"orders":       subscriptionRules,
		"tokens":       tokenRules,
		"answers":      answerRules,
		"pools":        poolRules,
		"guesses":      guessRules,
		"hubs":         hubRules,
		"events":       eventRules,
		"sends":        deliveryRules,
		"adjustments":  adjustmentRules,
		"transfers":    transferRules,
		"reservations": reservationRules,
		"buckets":      openedBucketRules,
		"actions":      actionRules,
		"rules":        ruleRules,
		"topups":       balanceTopupRules,
		"minutes":      minuteRules,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run(newWorld(t, e))
		})
	}
}

// each tries changes to one good record; every one of them must be refused.
func each[T any](w *world, code billing.Code, good func() T, put func(billing.Tx, *T) error, changes map[string]func(*T)) {
	w.Helper()
	for name, change := range changes {
		v := good()
		change(&v)
		// A function may run more than once, and put fills in what the store gives.
		err := w.s.Update(w.Context(), func(tx billing.Tx) error {
			fresh := v
			return put(tx, &fresh)
		})
		if billing.ErrorCode(err) != code || err == nil {
			w.Errorf("%s: error is %v, not %v", name, err, code)
		}
	}
	v := good()
	w.update(func(tx billing.Tx) error { return put(tx, &v) })
}

func ownerRules(w *world) {
	good := func() billing.Owner {
		o := owner(billing.Account(7), acme, acme, "/1/10/")
		o.Username, o.BalanceGroup = "15551230107", 7
		return o
	}
	put := func(tx billing.Tx, o *billing.Owner) error { return tx.PutOwner(o) }
	type change = func(*billing.Owner)
	each(w, billing.Conflict, good, put, map[string]change{
		"no id":              func(o *billing.Owner) { o.ID = 0 },
		"no lifetime":        func(o *billing.Owner) { o.Lifetime = new(int64) },
		"an end of nothing":  func(o *billing.Owner) { o.Lifetime, o.ExpiresAt = new(int64(1)), noon },
		"a use of nothing":   func(o *billing.Owner) { o.FirstUsedAt, o.ExpiresAt = noon, noon },
		"a use for ever":     func(o *billing.Owner) { o.Lifetime, o.FirstUsedAt = new(int64(1)), noon },
		"an action":          func(o *billing.Owner) { o.OnPayment = "dance" },
		"a least of nothing": func(o *billing.Owner) { o.MinPayment = -1 },
		"a negative id":      func(o *billing.Owner) { o.ID = -7 },
		"no parent":          func(o *billing.Owner) { o.Parent = 0 },
		"an account above":   func(o *billing.Owner) { o.Parent = alice },
		"itself above":       func(o *billing.Owner) { o.ID, o.Parent = zeta, zeta },
		"no top":             func(o *billing.Owner) { o.Top = 0 },
		"an account as top":  func(o *billing.Owner) { o.Top = alice },
		"no path":            func(o *billing.Owner) { o.Path = "" },
		"a path beside root": func(o *billing.Owner) { o.Path = "/10/" },
		"no currency":        func(o *billing.Owner) { o.Currency = "" },
		"a negative group":   func(o *billing.Owner) { o.BalanceGroup = -1 },
		"a customer's name":  func(o *billing.Owner) { o.ID, o.Path = billing.Customer(7), "/1/10/7/"; o.BalanceGroup = 0 },
		"a customer's group": func(o *billing.Owner) { o.ID, o.Path = billing.Customer(7), "/1/10/7/"; o.Username = "" },
		"a path of another":  func(o *billing.Owner) { o.ID, o.BalanceGroup, o.Username = billing.Customer(7), 0, "" },
		"root below itself":  func(o *billing.Owner) { o.ID, o.BalanceGroup, o.Username = billing.Root, 0, "" },
		"a limited root": func(o *billing.Owner) {
			*o = billing.Owner{ID: billing.Root, Top: billing.Root, Path: "/1/", Currency: usd, CreditLimit: new(int64)}
		},
	})
	each(w, billing.NotFound, good, put, map[string]change{
		"an unknown parent": func(o *billing.Owner) { o.Parent = billing.Customer(99) },
	})
	for field, change := range map[string]change{
		"username":      func(o *billing.Owner) { o.BalanceGroup = 8 },
		"balance_group": func(o *billing.Owner) { o.Username = "x" },
	} {
		o := good()
		o.ID = billing.Account(8)
		change(&o)
		w.refused(billing.Exists, field, func(tx billing.Tx) error { return tx.PutOwner(&o) })
	}
}

func cardRules(w *world) {
	good := func() billing.Card {
		c := card(bob)
		c.ID, c.Primary = 500, false
		return c
	}
	put := func(tx billing.Tx, c *billing.Card) error { return tx.PutCard(c) }
	each(w, billing.Conflict, good, put, map[string]func(*billing.Card){
		"no state":               func(c *billing.Card) { c.State = "" },
		"month 13":               func(c *billing.Card) { c.ExpMonth = 13 },
		"month -1":               func(c *billing.Card) { c.ExpMonth = -1 },
		"year -1":                func(c *billing.Card) { c.ExpYear = -1 },
		"a card number":          func(c *billing.Card) { c.Last4 = "4242424242424242" },
		"a negative id":          func(c *billing.Card) { c.ID = -1 },
		"type 7":                 func(c *billing.Card) { c.Type = 7 },
		"type -1":                func(c *billing.Card) { c.Type = -1 },
		"a country's name":       func(c *billing.Card) { c.Country = "Germany" },
		"deleted, with a token":  func(c *billing.Card) { c.State = billing.CardDeleted },
		"deleted, with an alias": func(c *billing.Card) { c.State, c.Token, c.Alias = billing.CardDeleted, nil, "a" },
	})
	each(w, billing.NotFound, good, put, map[string]func(*billing.Card){
		"an unknown owner": func(c *billing.Card) { c.Owner = billing.Account(9) },
	})
	second := card(bob)
	w.refused(billing.Exists, "primary", func(tx billing.Tx) error { return tx.PutCard(&second) })
	// A deleted one does not count, one put aside does.
	w.update(func(tx billing.Tx) error {
		second.State, second.Token = billing.CardDeleted, nil
		return tx.PutCard(&second)
	})
	w.refused(billing.Exists, "primary", func(tx billing.Tx) error {
		second.State = billing.CardAside
		return tx.PutCard(&second)
	})
	w.refused(billing.Conflict, "", func(tx billing.Tx) error {
		return tx.PutMandate(&billing.Mandate{Owner: alice, Top: acme, At: noon})
	})
	w.refused(billing.NotFound, "", func(tx billing.Tx) error {
		return tx.PutMandate(&billing.Mandate{Owner: alice, Top: acme, Purpose: "p", Card: 999, At: noon})
	})
}

func policyRules(w *world) {
	good := func() billing.LowBalance { return billing.LowBalance{Owner: alice} }
	put := func(tx billing.Tx, p *billing.LowBalance) error { return tx.PutLowBalance(p) }
	minus, zero, unknown := int64(-1), int64(0), billing.CardID(999)
	each(w, billing.Conflict, good, put, map[string]func(*billing.LowBalance){
		"a negative charge":         func(p *billing.LowBalance) { p.ChargeAmount = -1 },
		"a negative billing charge": func(p *billing.LowBalance) { p.BRChargeAmount = &minus },
		"a negative retry count":    func(p *billing.LowBalance) { p.Retry = &billing.NotificationRetry{Count: -1} },
		"a retry at once":           func(p *billing.LowBalance) { p.Retry = &billing.NotificationRetry{Interval: &zero} },
		"a negative episode":        func(p *billing.LowBalance) { p.State.Episode = -1 },
		"negative charges":          func(p *billing.LowBalance) { p.State.Charges = -1 },
		"negative reminders":        func(p *billing.LowBalance) { p.State.Reminders = -1 },
	})
	each(w, billing.NotFound, good, put, map[string]func(*billing.LowBalance){
		"an unknown card":         func(p *billing.LowBalance) { p.Card = &unknown },
		"an unknown billing card": func(p *billing.LowBalance) { p.BRCard = &unknown },
		"an unknown owner":        func(p *billing.LowBalance) { p.Owner = billing.Account(9) },
	})
}

func ledgerRules(w *world) {
	w.update(func(tx billing.Tx) error { return tx.Post(posting(alice, "once", 5)) })
	w.refused(billing.Exists, "cause", func(tx billing.Tx) error { return tx.Post(posting(bob, "once", 7)) })
	// Nothing of the refused posting stays, also when its caller goes on.
	w.update(func(tx billing.Tx) error {
		_ = tx.Post(posting(bob, "once", 7))
		return tx.Post(posting(bob, "other", 1))
	})
	same(w, read(w, func(r billing.Reader) (billing.Bucket, error) { return r.Bucket(bob, usd) }),
		billing.Bucket{Owner: bob, Unit: usd, Balance: 1})

	w.refused(billing.NotFound, "", func(tx billing.Tx) error { return tx.Post(posting(billing.Account(9), "nobody", 5)) })
	w.refused(billing.NotFound, "", func(tx billing.Tx) error {
		p := posting(alice, "no charge", 5)
		p.Charge = 99
		return tx.Post(p)
	})
	for name, change := range map[string]func(*billing.Posting){
		"not zero":  func(p *billing.Posting) { p.Entries[0].Micros++ },
		"one entry": func(p *billing.Posting) { p.Entries = p.Entries[:1] },
		"two sides": func(p *billing.Posting) { p.Entries[0].Account = "x" },
		"no cause":  func(p *billing.Posting) { p.Cause = "" },
		"two units": func(p *billing.Posting) { p.Entries[0].Unit = sms },
	} {
		p := posting(alice, name, 5)
		change(p)
		if err := w.s.Update(w.Context(), func(tx billing.Tx) error { return tx.Post(p) }); err == nil {
			w.Errorf("a posting with %s was booked", name)
		}
	}
	// C4: one booking per charge.
	c := w.charge(alice, "c")
	w.update(func(tx billing.Tx) error {
		if err := tx.CreateCharge(c); err != nil {
			return err
		}
		p := posting(alice, "booked", 10)
		p.Kind, p.Charge = billing.PostCharge, c.ID
		return tx.Post(p)
	})
	w.refused(billing.Exists, "charge", func(tx billing.Tx) error {
		p := posting(alice, "booked again", 10)
		p.Kind, p.Charge = billing.PostCharge, c.ID
		return tx.Post(p)
	})
}

func chargeRules(w *world) {
	n := 0
	good := func() billing.Charge {
		n++
		c := w.charge(alice, fmt.Sprint("cause ", n))
		c.Purpose, c.By.Customer = billing.PurposeManual, acme
		return *c
	}
	put := func(tx billing.Tx, c *billing.Charge) error { return tx.CreateCharge(c) }
	each(w, billing.Conflict, good, put, map[string]func(*billing.Charge){
		"no purpose":               func(c *billing.Charge) { c.Purpose = "" },
		"no cause":                 func(c *billing.Charge) { c.Cause = "" },
		"by hand, by nobody":       func(c *billing.Charge) { c.By.Customer = 0 },
		"a job's, by a person":     func(c *billing.Charge) { c.Purpose = billing.PurposeLowBalance },
		"no unit":                  func(c *billing.Charge) { c.Unit = "" },
		"no amount":                func(c *billing.Charge) { c.Credit, c.Gross = 0, 0 },
		"a negative amount":        func(c *billing.Charge) { c.Credit, c.Gross = -1, -1 },
		"a negative tax":           func(c *billing.Charge) { c.Tax, c.Gross = -1, 9 },
		"a negative fee":           func(c *billing.Charge) { c.Fee, c.Gross = -1, 9 },
		"a sum that is wrong":      func(c *billing.Charge) { c.Fee = 1 },
		"attempt 0":                func(c *billing.Charge) { c.Attempt = 0 },
		"no state":                 func(c *billing.Charge) { c.State = "" },
		"open and settled":         func(c *billing.Charge) { c.SettledAt = noon },
		"failed and not settled":   func(c *billing.Charge) { c.State = billing.ChargeFailed },
		"settled and due":          func(c *billing.Charge) { c.State, c.SettledAt, c.DueAt = billing.ChargeFailed, noon, noon },
		"succeeded and not booked": func(c *billing.Charge) { c.State, c.SettledAt = billing.ChargeSucceeded, noon },
	})
	each(w, billing.NotFound, good, put, map[string]func(*billing.Charge){
		"an unknown owner":   func(c *billing.Charge) { c.Owner = billing.Account(9) },
		"an unknown card":    func(c *billing.Charge) { c.Card = 999 },
		"no card":            func(c *billing.Charge) { c.Card = 0 },
		"an unknown mandate": func(c *billing.Charge) { c.Mandate = 999 },
		"an unknown run":     func(c *billing.Charge) { c.Run = 999 },
		"an unknown actor":   func(c *billing.Charge) { c.By.Customer = billing.Customer(999) },
	})
	post := posting(alice, "p", 10)
	w.update(func(tx billing.Tx) error { return tx.Post(post) })
	w.refused(billing.Conflict, "", func(tx billing.Tx) error { // open and booked
		c := good()
		c.Posting = post.ID
		return tx.CreateCharge(&c)
	})

	a := w.charge(alice, "a")
	w.update(func(tx billing.Tx) error { return tx.CreateCharge(a) })
	w.refused(billing.Exists, "cause", func(tx billing.Tx) error { return tx.CreateCharge(w.charge(bob, "a")) })
	for _, purpose := range []billing.Purpose{billing.PurposeLowBalance, billing.PurposeBillingRun} {
		w.refused(billing.Exists, "open_charge", func(tx billing.Tx) error {
			c := w.charge(alice, "second")
			c.Purpose = purpose
			return tx.CreateCharge(c)
		})
	}
	// Every open state holds the owner's place, none of the settled ones does.
	for _, s := range []billing.ChargeState{billing.ChargeSubmitted, billing.ChargeUnknown, billing.ChargeUnresolved} {
		a.State = s
		w.update(func(tx billing.Tx) error { return tx.SetCharge(a) })
		w.refused(billing.Exists, "open_charge", func(tx billing.Tx) error { return tx.CreateCharge(w.charge(alice, "second")) })
	}
	a.State, a.SettledAt = billing.ChargeFailed, noon
	w.update(func(tx billing.Tx) error { return tx.SetCharge(a) })
	b := w.charge(alice, "second")
	w.update(func(tx billing.Tx) error { return tx.CreateCharge(b) })
	w.refused(billing.Exists, "open_charge", func(tx billing.Tx) error { // it does not come back
		c := *a
		c.State, c.SettledAt = billing.ChargeUnknown, time.Time{}
		return tx.SetCharge(&c)
	})
	w.refused(billing.Conflict, "", func(tx billing.Tx) error {
		c := *b
		c.State, c.SettledAt = billing.ChargeSucceeded, noon
		return tx.SetCharge(&c)
	})
}

// settledByNothing: a success names a posting that is there.
func settledByNothing(w *world) {
	c := w.charge(alice, "c")
	w.update(func(tx billing.Tx) error { return tx.CreateCharge(c) })
	w.refused(billing.NotFound, "", func(tx billing.Tx) error {
		c.State, c.SettledAt, c.Posting = billing.ChargeSucceeded, noon, 999
		return tx.SetCharge(c)
	})
}

// stateRules holds that every state that the engine knows can be kept.
func stateRules(w *world) {
	for i, s := range []billing.ChargeState{
		billing.ChargeCreated, billing.ChargeSubmitted, billing.ChargeUnknown, billing.ChargeUnresolved,
		billing.ChargeFailed, billing.ChargeCancelled, billing.ChargeSucceeded,
	} {
		c := w.charge(alice, string(s))
		c.Purpose, c.By.Customer = billing.PurposeManual, acme
		p := posting(alice, string(s), 10)
		w.update(func(tx billing.Tx) error {
			if err := tx.CreateCharge(c); err != nil {
				return err
			}
			if err := tx.Post(p); err != nil {
				return err
			}
			if c.State = s; !s.Open() {
				c.SettledAt = noon
			}
			if s == billing.ChargeSucceeded {
				c.Posting = p.ID
			}
			if err := tx.SetCharge(c); err != nil {
				return fmt.Errorf("charge %s: %w", s, err)
			}
			c.Attempt = i + 1
			return nil
		})
	}
	for i, s := range []billing.AttemptState{
		billing.AttemptSubmitted, billing.AttemptNotSent, billing.AttemptUnknown, billing.AttemptSucceeded, billing.AttemptDeclined,
	} {
		a := billing.Attempt{Charge: 1, N: i + 1, Key: string(s), State: s}
		if s == billing.AttemptSucceeded || s == billing.AttemptDeclined {
			a.SettledAt = noon
		}
		w.update(func(tx billing.Tx) error { return tx.AddAttempt(&a) })
	}
	for _, s := range []billing.NoticeState{billing.NoticePending, billing.NoticeSent, billing.NoticeFailed, billing.NoticeNoMail} {
		n := billing.Notice{Owner: alice, Top: acme, Kind: billing.NoticeReceipt, Cause: string(s), State: s}
		if s == billing.NoticeSent {
			n.SentAt = noon
		}
		w.update(func(tx billing.Tx) error { return tx.CreateNotice(&n) })
	}
	for i, s := range []billing.PeriodState{
		billing.PeriodDue, billing.PeriodCharging, billing.PeriodUnpaid, billing.PeriodPosted, billing.PeriodSkipped,
	} {
		p := w.period(fmt.Sprintf("2026-01-%02d", i+1))
		if p.State = s; s.Settled() {
			p.SettledAt = noon
		}
		if s == billing.PeriodPosted {
			p.Price = 0 // without a price there is nothing to book
		}
		w.update(func(tx billing.Tx) error { return tx.CreatePeriod(p) })
	}
}

func attemptRules(w *world) {
	c := w.charge(alice, "c")
	w.update(func(tx billing.Tx) error { return tx.CreateCharge(c) })
	n := 0
	good := func() billing.Attempt {
		n++
		return billing.Attempt{Charge: c.ID, N: n, Key: fmt.Sprint("key ", n), State: billing.AttemptSubmitted}
	}
	put := func(tx billing.Tx, a *billing.Attempt) error { return tx.AddAttempt(a) }
	each(w, billing.Conflict, good, put, map[string]func(*billing.Attempt){
		"no key":                   func(a *billing.Attempt) { a.Key = "" },
		"no state":                 func(a *billing.Attempt) { a.State = "" },
		"number 0":                 func(a *billing.Attempt) { a.N = 0 },
		"submitted and settled":    func(a *billing.Attempt) { a.SettledAt = noon },
		"declined and not settled": func(a *billing.Attempt) { a.State = billing.AttemptDeclined },
		"negative lookups":         func(a *billing.Attempt) { a.Lookups = -1 },
	})
	each(w, billing.NotFound, good, put, map[string]func(*billing.Attempt){
		"an unknown charge": func(a *billing.Attempt) { a.Charge = 999 },
	})
	w.update(func(tx billing.Tx) error {
		return tx.AddAttempt(&billing.Attempt{Charge: c.ID, N: 90, Key: "k", State: billing.AttemptSubmitted})
	})
	w.refused(billing.Exists, "key", func(tx billing.Tx) error {
		return tx.AddAttempt(&billing.Attempt{Charge: c.ID, N: 91, Key: "k", State: billing.AttemptSubmitted})
	})
	w.refused(billing.Exists, "attempt", func(tx billing.Tx) error {
		return tx.AddAttempt(&billing.Attempt{Charge: c.ID, N: 90, Key: "l", State: billing.AttemptSubmitted})
	})
}

func planRules(w *world) {
	plan := func() billing.Plan {
		return billing.Plan{ID: 50, Currency: usd, Cycle: billing.CycleMonthly, OnFailure: billing.FailBlock}
	}
	each(w, billing.Conflict, plan, func(tx billing.Tx, p *billing.Plan) error { return tx.PutPlan(p) }, map[string]func(*billing.Plan){
		"a negative price": func(p *billing.Plan) { p.Price = -1 },
		"no currency":      func(p *billing.Plan) { p.Currency = "" },
		"no cycle":         func(p *billing.Plan) { p.Cycle = "" },
		"no on_failure":    func(p *billing.Plan) { p.OnFailure = "" },
		"a negative id":    func(p *billing.Plan) { p.ID = -1 },
		"an account's":     func(p *billing.Plan) { p.Customer = alice },
		"root by name":     func(p *billing.Plan) { p.Customer = billing.Root },
		"a tariff below 0": func(p *billing.Plan) { p.Tariff = -1 },
	})
	each(w, billing.NotFound, plan, func(tx billing.Tx, p *billing.Plan) error { return tx.PutPlan(p) }, map[string]func(*billing.Plan){
		"an unknown customer's": func(p *billing.Plan) { p.Customer = billing.Customer(99) },
	})
	place := func() billing.AccountPlan { return billing.AccountPlan{Owner: alice, Top: acme, Plan: w.plan} }
	each(w, billing.Conflict, place, func(tx billing.Tx, a *billing.AccountPlan) error { return tx.PutAccountPlan(a) }, map[string]func(*billing.AccountPlan){
		"a customer":  func(a *billing.AccountPlan) { a.Owner = acme },
		"day 32":      func(a *billing.AccountPlan) { a.AnchorDay = 32 },
		"day minus 1": func(a *billing.AccountPlan) { a.AnchorDay = -1 },
	})
	period := func() billing.Period { return *w.period("2026-12-01") }
	put := func(tx billing.Tx, p *billing.Period) error { return tx.CreatePeriod(p) }
	each(w, billing.Conflict, period, put, map[string]func(*billing.Period){
		"a customer":             func(p *billing.Period) { p.Owner = acme },
		"no date":                func(p *billing.Period) { p.Date = "" },
		"a negative price":       func(p *billing.Period) { p.Price = -1 },
		"no unit":                func(p *billing.Period) { p.Unit = "" },
		"no state":               func(p *billing.Period) { p.State = "" },
		"no on_failure":          func(p *billing.Period) { p.OnFailure = "" },
		"due and settled":        func(p *billing.Period) { p.SettledAt = noon },
		"skipped, not settled":   func(p *billing.Period) { p.State = billing.PeriodSkipped },
		"posted without posting": func(p *billing.Period) { p.State, p.SettledAt = billing.PeriodPosted, noon },
	})
	w.refused(billing.Exists, "period", func(tx billing.Tx) error { return tx.CreatePeriod(w.period("2026-12-01")) })
	each(w, billing.NotFound, func() billing.Period { return *w.period("2027-01-01") }, put, map[string]func(*billing.Period){
		"an unknown plan":    func(p *billing.Period) { p.Plan = 99 },
		"an unknown owner":   func(p *billing.Period) { p.Owner = billing.Account(9) },
		"an unknown charge":  func(p *billing.Period) { p.Charge = 99 },
		"an unknown run":     func(p *billing.Period) { p.Run = 99 },
		"an unknown posting": func(p *billing.Period) { p.Posting, p.State, p.SettledAt = 99, billing.PeriodPosted, noon },
	})
	each(w, billing.NotFound, place, func(tx billing.Tx, a *billing.AccountPlan) error { return tx.PutAccountPlan(a) }, map[string]func(*billing.AccountPlan){
		"an unknown plan":  func(a *billing.AccountPlan) { a.Plan = 99 },
		"an unknown owner": func(a *billing.AccountPlan) { a.Owner = billing.Account(9) },
	})
}

func runRules(w *world) {
	run := func(job billing.Job, key string) func(billing.Tx) error {
		return func(tx billing.Tx) error { return tx.CreateRun(&billing.Run{Job: job, Key: key}) }
	}
	w.update(run(billing.JobBilling, "2026-11-22"))
	w.refused(billing.Exists, "key", run(billing.JobBilling, "2026-11-22"))
	w.update(run(billing.JobLowBalance, "2026-11-22"))
	w.refused(billing.Conflict, "", run("", ""))
	decision := func() billing.Decision {
		return billing.Decision{Owner: alice, Top: acme, Reason: "r", Charge: &billing.ChargePlan{Card: billing.Card{ID: w.card[alice]}, Credit: 1}}
	}
	keep := func(tx billing.Tx, d *billing.Decision) error { return tx.KeepDecision(d) }
	each(w, billing.NotFound, decision, keep, map[string]func(*billing.Decision){
		"an unknown run":     func(d *billing.Decision) { d.Run = 99 },
		"an unknown charge":  func(d *billing.Decision) { d.Made = 99 },
		"an unknown card":    func(d *billing.Decision) { d.Charge.Card.ID = 99 },
		"an unknown mandate": func(d *billing.Decision) { d.Charge.Mandate = 99 },
		"an unknown owner":   func(d *billing.Decision) { d.Owner = billing.Account(9) },
	})
	w.refused(billing.Conflict, "", func(tx billing.Tx) error { return tx.KeepDecision(&billing.Decision{Owner: alice, Top: acme}) })
}

func noticeRules(w *world) {
	n := 0
	good := func() billing.Notice {
		n++
		return billing.Notice{Owner: alice, Top: acme, Kind: billing.NoticeReceipt, Cause: fmt.Sprint(n), State: billing.NoticePending}
	}
	put := func(tx billing.Tx, n *billing.Notice) error { return tx.CreateNotice(n) }
	each(w, billing.Conflict, good, put, map[string]func(*billing.Notice){
		"no kind":          func(n *billing.Notice) { n.Kind = "" },
		"no cause":         func(n *billing.Notice) { n.Cause = "" },
		"no state":         func(n *billing.Notice) { n.State = "" },
		"sent at no time":  func(n *billing.Notice) { n.State = billing.NoticeSent },
		"pending and sent": func(n *billing.Notice) { n.SentAt = noon },
		"negative tries":   func(n *billing.Notice) { n.Tries = -1 },
	})
	each(w, billing.NotFound, good, put, map[string]func(*billing.Notice){
		"an unknown owner": func(n *billing.Notice) { n.Owner = billing.Account(9) },
		"an unknown run":   func(n *billing.Notice) { n.Run = 99 },
	})
	a, b := good(), good()
	b.Cause = a.Cause
	w.update(func(tx billing.Tx) error { return tx.CreateNotice(&a) })
	w.refused(billing.Exists, "cause", func(tx billing.Tx) error { return tx.CreateNotice(&b) })
}

func loginRules(w *world) {
	for _, l := range []billing.Login{{Customer: acme}, {Name: "x", Customer: alice}} {
		w.refused(billing.Conflict, "", func(tx billing.Tx) error { return tx.PutLogin(&l) })
	}
	for _, o := range []billing.Object{{Key: "k", Body: "{}"}, {Type: "t", Key: "k"}} {
		w.refused(billing.Conflict, "", func(tx billing.Tx) error { return tx.PutObject(o) })
	}
}

// rulesBehindThePort holds what the database refuses whoever asks.
func rulesBehindThePort(w *world) {
	if w.exec == nil {
		w.Skip("this engine has no way around the port")
	}
	c := w.charge(alice, "c")
	w.update(func(tx billing.Tx) error {
		for _, err := range []error{
			tx.CreateCharge(c),
			tx.PutMandate(&billing.Mandate{Owner: alice, Top: acme, Purpose: "p", At: noon}),
			tx.PutLowBalance(&billing.LowBalance{Owner: alice}),
			tx.KeepDecision(&billing.Decision{Owner: alice, Top: acme, Reason: "r"}),
			tx.PutAccountPlan(&billing.AccountPlan{Owner: alice, Top: acme, Plan: w.plan}),
			tx.CreatePeriod(w.period("2026-12-01")),
			tx.PutMinutePlan(&billing.MinutePlan{ID: 5, Plan: w.plan}),
			tx.PutMinutesUsed(&billing.MinutesUsed{Owner: alice, Top: acme, Minutes: 5, Until: noon}),
			tx.PutLogin(&billing.Login{Name: "l", Customer: acme}),
			tx.Post(posting(alice, "p", 5)),
		} {
			if err != nil {
				return err
			}
		}
		return nil
	})
	for _, query := range []string{
		// L2
		`UPDATE entries SET micros = 6`,
		`UPDATE postings SET cause = 'other'`,
		`DELETE FROM entries`,
		`DELETE FROM postings`,
		// An entry has one side, an amount, a bucket and a posting.
		`INSERT INTO entries (posting_id, n, top_id, owner_id, account, unit, micros) VALUES (1, 8, 20, NULL, NULL, 'USD', 1)`,
		`INSERT INTO entries (posting_id, n, top_id, owner_id, account, unit, micros) VALUES (1, 8, 20, 201, 'fee', 'USD', 1)`,
		`INSERT INTO entries (posting_id, n, top_id, owner_id, account, unit, micros) VALUES (1, 8, 20, NULL, 'fee', 'USD', 0)`,
		`INSERT INTO entries (posting_id, n, top_id, owner_id, account, unit, micros) VALUES (1, 8, 20, 203, NULL, 'USD', 1)`,
		`INSERT INTO entries (posting_id, n, top_id, owner_id, account, unit, micros) VALUES (9, 8, 20, NULL, 'fee', 'USD', 1)`,
		// Frozen when it was prepared.
		`UPDATE charges SET gross = 11, credit = 11`,
		`UPDATE charges SET cause = 'other'`,
		`UPDATE charges SET card_id = 2`,
		`UPDATE charges SET input = 'other'`,
		`UPDATE charges SET created_at = 1`,
		`INSERT INTO entries (posting_id, n, top_id, owner_id, account, unit, micros, payment_at) VALUES (1, 8, 20, NULL, 'fee', 'USD', 1, 1)`,
		`DELETE FROM charges`,
		`INSERT INTO entries (posting_id, n, top_id, owner_id, account, unit, micros) VALUES (1, 8, 20, NULL, '', 'USD', 1)`,
		`INSERT INTO entries (posting_id, n, top_id, owner_id, account, unit, micros) VALUES (1, 8, 20, NULL, 'fee', '', 1)`,
		`INSERT INTO postings (top_id, kind, cause, input, notes, actor) VALUES (20, '', 'x', '', '', '')`,
		`INSERT INTO postings (top_id, kind, cause, input, notes, actor) VALUES (20, 'debit', '', '', '', '')`,
		`INSERT INTO buckets (owner_id, unit, top_id, balance, reserved) VALUES (201, '', 20, 0, 0)`,
		`UPDATE buckets SET reserved = -1`,
		`UPDATE buckets SET balance = '1.5'`,
		// A kind follows the id, a flag is one, an amount is not negative.
		`UPDATE owners SET kind = 1 WHERE id = 20`,
		`UPDATE owners SET blocked = 256`,
		`UPDATE owners SET held = 2`,
		`UPDATE cards SET is_primary = 2`,
		`UPDATE cards SET auto_collect = 2`,
		`UPDATE mandates SET amount = -1`,
		`INSERT INTO mandates (owner_id, top_id, purpose, wording, amount, actor, address) VALUES (201, 20, 'p', '', 0, '', '')`,
		`UPDATE low_balance SET charge_card = 2`,
		`UPDATE low_balance SET retry_interval = 5, retry_count = NULL`,
		`UPDATE decisions SET credit = 1`,
		`UPDATE plans SET prepaid = 2`,
		`UPDATE account_plans SET suspended = 2`,
		`UPDATE minute_plans SET plan_id = 99`,
		`UPDATE minutes_used SET until = NULL`,
		`UPDATE periods SET prepaid = 2`,
		`UPDATE logins SET disabled = 2`,
	} {
		if err := w.exec(query); err == nil {
			w.Errorf("the database accepted: %s", query)
		}
	}
	if err := w.exec(`UPDATE owners SET name = 'new' WHERE id = 201`); err != nil {
		w.Errorf("the way around the port does not work: %v", err)
	}
}
