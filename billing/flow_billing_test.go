package billing_test

import (
	"slices"
	"testing"
	"time"

	"topupd/billing"
)

var due = time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)

// plan puts account 100 on the monthly plan of 20, due on 1 December.
func (k *kit) plan(change ...func(*billing.PlanLine)) {
	k.t.Helper()
	k.ok(k.engine.Import(root(t0), false, func(im *billing.Importer) error {
		l := billing.PlanLine{ID: 1}
		for _, c := range change {
			c(&l)
		}
		if err := im.Plan(l); err != nil {
			return err
		}
		return im.Owner(billing.OwnerLine{Owner: billing.Account(100), Plan: billing.To(int64(1)), NextBillingAt: billing.To(due), AnchorDay: billing.To(int64(1))})
	}))
}

func (k *kit) brCharge() {
	k.t.Helper()
	k.set(t0, billing.SetLowBalanceParams{ChargeCard: billing.To(false), NotifyByEmail: billing.To(false), BRChargeCard: billing.To(true)})
}

func (k *kit) period(date string) (p billing.Period) {
	k.t.Helper()
	k.ok(k.engine.Snapshot(root(t0), func(r billing.Reader) (err error) {
		p, err = r.Period(billing.Account(100), date)
		return err
	}))
	return p
}

func (k *kit) wantPeriod(date string, want billing.PeriodState) {
	k.t.Helper()
	if p := k.period(date); p.State != want {
		k.t.Fatalf("period %s is %s (%s), want %s", date, p.State, p.Reason, want)
	}
}

func TestBillingRunChargesThePlanPriceThenPostsIt(t *testing.T) {
	k := newKit(t)
	k.seed("tok_ok")
	k.plan()
	k.brCharge()
	k.bill(due.Add(-time.Second))
	k.wantStates()
	run := k.bill(due.Add(5 * time.Minute))
	rows := k.wantStates(billing.ChargeSucceeded)
	if rows[0].Charge.Gross != 20*usd || rows[0].Charge.Period != "2026-12-01" {
		t.Fatalf("charge %+v", rows[0].Charge)
	}
	k.wantBalance(20 * usd) // 20 + 20 charged - 20 price
	k.wantPeriod("2026-12-01", billing.PeriodPosted)
	if tl := run.Tally; tl.Decided != 1 || tl.Charges != 1 || tl.Charged != 1 || tl.Declined != 0 {
		t.Fatalf("tally %+v", tl)
	}
	// The same night again changes nothing.
	k.bill(due.Add(6 * time.Minute))
	k.wantStates(billing.ChargeSucceeded)
	k.bill(due.AddDate(0, 1, 0))
	k.wantStates(billing.ChargeSucceeded, billing.ChargeSucceeded)
	k.wantPeriod("2027-01-01", billing.PeriodPosted)
	k.verify()
}

func TestBillingRunOwnAmount(t *testing.T) {
	k := newKit(t)
	k.seed("tok_ok")
	k.plan()
	k.brCharge()
	k.set(t0, billing.SetLowBalanceParams{BRChargeAmount: billing.To(int64(7 * usd))})
	k.bill(due)
	k.wantStates(billing.ChargeSucceeded)
	k.wantBalance(7 * usd)
}

func TestBillingWithoutChargePostsIfCovered(t *testing.T) {
	k := newKit(t)
	k.seed("tok_ok")
	k.plan()
	run := k.bill(due)
	k.wantPeriod("2026-12-01", billing.PeriodPosted)
	// The price is usage: it took the balance below the threshold.
	k.wantStates(billing.ChargeSucceeded)
	k.wantBalance(10 * usd)
	if run.Tally.Posted != 1 {
		t.Fatalf("tally %+v", run.Tally)
	}
}

func TestNotCoveredBlocksAndALaterCreditUnblocks(t *testing.T) {
	k := newKit(t)
	k.seed("tok_declined")
	k.plan()
	k.brCharge()
	k.debit(t0, 15*usd)
	k.bill(due)
	k.wantStates(billing.ChargeCreated) // declined once, again in two days
	k.wantPeriod("2026-12-01", billing.PeriodUnpaid)
	if b := k.owner().Blocked; b != billing.BlockBilling {
		t.Fatalf("blocked %q", b)
	}
	k.wantMails("Your card Visa 4242 was declined", "Your service is blocked: 20.00 USD is due")
	k.wantBalance(5 * usd)
	k.move(due.Add(time.Hour), billing.PostAddFunds, 14*usd) // still not covered
	k.wantPeriod("2026-12-01", billing.PeriodUnpaid)
	k.move(due.Add(2*time.Hour), billing.PostAddFunds, usd)
	k.wantPeriod("2026-12-01", billing.PeriodPosted)
	k.wantBalance(0)
	if b := k.owner().Blocked; b != 0 {
		t.Fatalf("blocked %q", b)
	}
	k.drain(due.Add(48 * time.Hour)) // the last look finds it paid
	k.wantStates(billing.ChargeCancelled)
	k.wantMails("Your service is back")
	k.verify()
}

func TestBillingRunTriesFiveTimesTwoDaysApart(t *testing.T) {
	k := newKit(t)
	k.seed("tok_declined")
	k.plan()
	k.brCharge()
	k.debit(t0, 15*usd)
	for i := range 12 {
		k.bill(due.AddDate(0, 0, i))
	}
	rows := k.wantStates(billing.ChargeFailed)
	if n := len(rows[0].Attempts); n != 5 {
		t.Fatalf("%d attempts, want 5", n)
	}
	if s := k.policy().State; s.BRSuspended != billing.SuspendedDeclined || s.Suspended != "" {
		t.Fatalf("suspended %q, %q", s.BRSuspended, s.Suspended)
	}
	k.verify()
}

func TestOnFailureTariffAndOverdraw(t *testing.T) {
	tests := []struct {
		onFailure string
		balance   int64
		state     billing.PeriodState
		suspended bool
	}{
		{"tariff", 5 * usd, billing.PeriodUnpaid, true},
		{"overdraw", -15 * usd, billing.PeriodPosted, false},
	}
	for _, tt := range tests {
		t.Run(tt.onFailure, func(t *testing.T) {
			k := newKit(t)
			k.seed("tok_ok")
			k.plan(func(l *billing.PlanLine) { l.OnFailure = billing.To(tt.onFailure) })
			k.set(t0, billing.SetLowBalanceParams{ChargeCard: billing.To(false)})
			k.debit(t0, 15*usd)
			k.bill(due)
			k.wantBalance(tt.balance)
			k.wantPeriod("2026-12-01", tt.state)
			if k.owner().Blocked != 0 {
				t.Error("the account is blocked")
			}
			if got := k.accountPlan().Suspended; got != tt.suspended {
				t.Errorf("plan suspended %v", got)
			}
			k.move(due, billing.PostCredit, 100*usd)
			if k.accountPlan().Suspended {
				t.Error("a credit did not bring the plan back")
			}
			k.wantPeriod("2026-12-01", billing.PeriodPosted)
		})
	}
}

func (k *kit) accountPlan() (ap billing.AccountPlan) {
	k.t.Helper()
	k.ok(k.engine.Snapshot(root(t0), func(r billing.Reader) (err error) {
		ap, err = r.AccountPlan(billing.Account(100))
		return err
	}))
	return ap
}

func TestPostpaidIsAlwaysPosted(t *testing.T) {
	k := newKit(t)
	k.seed("tok_ok")
	k.plan(func(l *billing.PlanLine) { l.Prepaid = billing.To(false) })
	k.set(t0, billing.SetLowBalanceParams{ChargeCard: billing.To(false)})
	k.debit(t0, 19*usd)
	k.bill(due)
	k.wantPeriod("2026-12-01", billing.PeriodPosted)
	k.wantBalance(-19 * usd)
}

func TestMissedPeriods(t *testing.T) {
	night := due.AddDate(0, 2, 3) // three periods are due
	tests := []struct {
		setting billing.MissedPeriods
		want    [3]billing.PeriodState
		charges int
		balance int64
	}{
		{billing.MissedCurrent, [3]billing.PeriodState{"skipped", "skipped", "posted"}, 1, 100 * usd},
		{billing.MissedAll, [3]billing.PeriodState{"posted", "posted", "posted"}, 1, 60 * usd},
		{billing.MissedNone, [3]billing.PeriodState{"skipped", "skipped", "skipped"}, 0, 100 * usd},
	}
	for _, tt := range tests {
		t.Run(string(tt.setting), func(t *testing.T) {
			k := newKit(t, func(c *billing.Config) { c.Settings.MissedPeriods = tt.setting })
			k.seed("tok_ok")
			k.plan()
			k.brCharge()
			k.move(t0, billing.PostCredit, 80*usd)
			k.bill(night)
			for i, date := range []string{"2026-12-01", "2027-01-01", "2027-02-01"} {
				k.wantPeriod(date, tt.want[i])
			}
			if n := len(k.charges()); n != tt.charges {
				t.Fatalf("%d charges, want %d: a run takes a card at most once per account", n, tt.charges)
			}
			k.wantBalance(tt.balance)
			if next := k.accountPlan().NextAt; !next.Equal(due.AddDate(0, 3, 0)) {
				t.Fatalf("next at %v", next)
			}
			k.verify()
		})
	}
}

// C6: the billing run waits while a low-balance charge is open, and goes on
// when it settles.
func TestBillingWaitsForAnOpenCharge(t *testing.T) {
	k := newKit(t)
	k.seed("tok_timeout")
	k.plan()
	k.set(t0, billing.SetLowBalanceParams{BRChargeCard: billing.To(true)})
	k.debit(due, 16*usd)
	k.drain(due)
	k.wantStates(billing.ChargeUnknown)
	k.leaseAll(time.Now().Add(time.Hour)) // however slow the machine is
	k.bill(due)
	k.wantPeriod("2026-12-01", billing.PeriodDue)
	k.wantReason(billing.ReasonOpenCharge)
	k.wantStates(billing.ChargeUnknown)
	k.later(due.Add(time.Second)) // the low-balance charge turns out captured
	k.wantPeriod("2026-12-01", billing.PeriodCharging)
	rows := k.wantStates(billing.ChargeSucceeded, billing.ChargeUnknown)
	if rows[1].Charge.Purpose != billing.PurposeBillingRun {
		t.Fatalf("charge %+v", rows[1].Charge)
	}
	k.later(due.Add(2 * time.Second))
	k.wantStates(billing.ChargeSucceeded, billing.ChargeSucceeded)
	k.wantPeriod("2026-12-01", billing.PeriodPosted)
	k.wantBalance(14 * usd) // 20 - 16 + 10 + 20 - 20
	k.verify()
}

func TestHalfANightContinues(t *testing.T) {
	k := newKit(t)
	k.seed("tok_ok")
	k.plan()
	k.brCharge()
	// The first pass decided, and its process died before anything was sent.
	_, _, err := k.engine.RunBilling(root(due), billing.RunParams{Key: "2026-12-01", Trigger: "schedule"})
	k.ok(err)
	k.wantStates(billing.ChargeCreated)
	k.restart()
	k.bill(due.Add(time.Minute))
	k.wantStates(billing.ChargeSucceeded)
	k.wantBalance(20 * usd)
	k.verify()
}

func TestBillingDryRunChangesNothing(t *testing.T) {
	k := newKit(t)
	k.seed("tok_ok")
	k.plan()
	k.brCharge()
	var dry []billing.Decision
	_, _, err := k.engine.RunBilling(root(due), billing.RunParams{DryRun: true, Each: func(d billing.Decision) { dry = append(dry, d) }})
	k.ok(err)
	if len(dry) != 1 || dry[0].Charge == nil || dry[0].Charge.Credit != 20*usd {
		t.Fatalf("dry run decided %+v", dry)
	}
	k.wantStates()
	if next := k.accountPlan().NextAt; !next.Equal(due) {
		t.Fatalf("next at %v", next)
	}
	k.verify()
}

func TestExpiringCardIsToldOnce(t *testing.T) {
	k := newKit(t)
	k.seed("tok_ok")
	k.importCard(func(l *billing.CardLine) { l.ExpMonth, l.ExpYear = billing.To(int64(12)), billing.To(int64(2026)) })
	second := time.Date(2026, 12, 2, 0, 0, 0, 0, time.UTC)
	k.wantDryMails(second.AddDate(0, 0, -1))
	k.bill(second.AddDate(0, 0, -1))
	k.wantMails()
	k.wantDryMails(second, "card_expiring Visa 4242")
	k.wantDryMails(second, "card_expiring Visa 4242") // the first one changed nothing
	if run := k.bill(second); run.Tally.Mails != 1 {
		t.Fatalf("the run counts %d mails", run.Tally.Mails)
	}
	k.wantMails("Your card Visa 4242 expires soon")
	k.wantDryMails(second)
	k.bill(second.AddDate(0, 0, 1))
	k.wantMails()
}

// A dry run shows every mail of the billing itself, beside what it decided.
func TestDryBillingShowsMails(t *testing.T) {
	k := newKit(t)
	k.seed("tok_ok")
	k.plan()
	k.debit(t0, 15*usd) // 5 left: the price of 20 is not covered
	k.wantDryMails(due, "blocked ")
	k.bill(due)
	k.wantMails("Your service is blocked: 20.00 USD is due")
}

// wantDryMails is what a dry billing run says it would mail, and that it counts
// them; it changes nothing and mails nothing.
func (k *kit) wantDryMails(at time.Time, want ...string) {
	k.t.Helper()
	var got []string
	run, _, err := k.engine.RunBilling(root(at), billing.RunParams{DryRun: true, Each: func(d billing.Decision) {
		if d.Notice != "" {
			got = append(got, string(d.Notice)+" "+d.Detail)
		}
	}})
	k.ok(err)
	if !slices.Equal(got, want) || run.Tally.Mails != int64(len(want)) {
		k.t.Fatalf("the dry run mails %q and counts %d, want %q", got, run.Tally.Mails, want)
	}
	k.drain(at)
	k.wantMails()
}

// A success pays what was not covered, and unblocks when nothing stays unpaid.
func TestSuccessPaysAndUnblocks(t *testing.T) {
	k := newKit(t)
	k.seed("tok_declined")
	k.plan()
	k.brCharge()
	k.debit(t0, 15*usd)
	k.bill(due)
	k.wantPeriod("2026-12-01", billing.PeriodUnpaid)
	k.importCard(func(l *billing.CardLine) { l.Token = billing.To(billing.Secret("tok_ok")) })
	k.drain(due.Add(48 * time.Hour))
	rows := k.wantStates(billing.ChargeSucceeded)
	if n := len(rows[0].Attempts); n != 2 || rows[0].Attempts[0].Key == rows[0].Attempts[1].Key {
		t.Fatalf("attempts %+v: a retry after a decline takes a new key", rows[0].Attempts)
	}
	k.wantPeriod("2026-12-01", billing.PeriodPosted)
	k.wantBalance(5 * usd)
	if b := k.owner().Blocked; b != 0 {
		t.Fatalf("blocked %q", b)
	}
}

// Blocked for billing still charges, and a success unblocks; what is still not
// covered is tried again by each later credit and each run.
func TestSuccessUnblocks(t *testing.T) {
	k := newKit(t)
	k.seed("tok_ok")
	k.plan()
	k.set(t0, billing.SetLowBalanceParams{Threshold: billing.To(int64(3 * usd))})
	k.debit(t0, 15*usd)
	k.bill(due)
	k.wantPeriod("2026-12-01", billing.PeriodUnpaid)
	if b := k.owner().Blocked; b != billing.BlockBilling {
		t.Fatalf("blocked %q", b)
	}
	k.debit(due, 3*usd) // 2.00: low, charges 10
	k.drain(due)
	k.wantStates(billing.ChargeSucceeded)
	k.wantBalance(12 * usd)
	if b := k.owner().Blocked; b != 0 {
		t.Fatalf("blocked %q", b)
	}
	k.wantPeriod("2026-12-01", billing.PeriodUnpaid)
	// The next run looks again, also at money that came without a judgement.
	k.importOwner(func(l *billing.OwnerLine) { l.Balance = billing.To(int64(25 * usd)) })
	k.bill(due.AddDate(0, 0, 1))
	k.wantPeriod("2026-12-01", billing.PeriodPosted)
}

// Who is one period behind and pays every month is not blocked every month.
func TestOnePeriodBehindIsNotBlockedAgain(t *testing.T) {
	k := newKit(t)
	k.seed("tok_ok")
	k.plan()
	k.set(t0, billing.SetLowBalanceParams{ChargeCard: billing.To(false)})
	k.debit(t0, 20*usd)
	k.bill(due)
	k.wantPeriod("2026-12-01", billing.PeriodUnpaid)
	k.brCharge()
	for i := 1; i <= 3; i++ {
		k.bill(due.AddDate(0, i, 0))
		if b := k.owner().Blocked; b != 0 {
			t.Fatalf("month %d: blocked %q", i, b)
		}
	}
	k.wantStates(billing.ChargeSucceeded, billing.ChargeSucceeded, billing.ChargeSucceeded)
	k.verify()
}

// A success pays an old period, which leads to the next charge in the same
// transaction; a waiting period then waits for that one.
func TestSuccessThatOpensTheNextChargeIsBooked(t *testing.T) {
	k := newKit(t, func(c *billing.Config) { c.Settings.Limits.Interval = 0 })
	k.seed("tok_ok")
	k.plan()
	k.set(t0, billing.SetLowBalanceParams{ChargeAmount: billing.To(int64(20 * usd))})
	k.debit(t0, 14*usd)
	k.bill(due)
	k.wantPeriod("2026-12-01", billing.PeriodUnpaid)
	k.debit(due, 2*usd) // 4.00: low, charges 20, pays 20, low again
	k.drain(due)
	for _, row := range k.charges() {
		if row.Charge.Open() {
			t.Fatalf("charge %+v", row.Charge)
		}
	}
	if n := len(k.charges()); n < 2 {
		t.Fatalf("%d charges", n)
	}
	k.wantPeriod("2026-12-01", billing.PeriodPosted)
	k.verify()
}

// A price that is posted when its charge settles counts for the run.
func TestRunCountsPricesPostedLater(t *testing.T) {
	k := newKit(t)
	k.seed("tok_ok")
	k.plan()
	k.brCharge()
	if run := k.bill(due); run.Tally.Posted != 1 || run.Tally.Charged != 1 {
		t.Fatalf("tally %+v", run.Tally)
	}
}
