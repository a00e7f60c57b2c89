package billing_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"topupd/billing"
)

// TestPeriodStart: n periods after the anchor, by the clocks of the zone.
func TestPeriodStart(t *testing.T) {
	for _, c := range []struct {
		period       billing.TopupPeriod
		zone, anchor string
		want         map[int64]string
	}{
		{billing.TopupDaily, "UTC", "2026-12-31T23:59:59Z", map[int64]string{0: "2026-12-31T23:59:59Z", 1: "2027-01-01T23:59:59Z", 366: "2028-01-01T23:59:59Z"}},
		// The wall clock stays: in spring a day has 23 hours, in autumn 25.
		{billing.TopupDaily, "America/New_York", "2026-03-07T12:00:00-05:00", map[int64]string{1: "2026-03-08T16:00:00Z", 2: "2026-03-09T16:00:00Z"}},
		{billing.TopupDaily, "America/New_York", "2026-03-07T02:30:00-05:00", map[int64]string{1: "2026-03-08T07:00:00Z", 2: "2026-03-09T06:30:00Z"}},
		{billing.TopupDaily, "America/New_York", "2026-10-31T01:30:00-04:00", map[int64]string{1: "2026-11-01T05:30:00Z", 2: "2026-11-02T06:30:00Z"}},
		{billing.TopupWeekly, "Europe/Berlin", "2026-03-23T10:00:00+01:00", map[int64]string{1: "2026-03-30T08:00:00Z", 31: "2026-10-26T09:00:00Z"}},
		{billing.TopupFortnightly, "UTC", "2026-01-01T00:00:00Z", map[int64]string{1: "2026-01-15T00:00:00Z", 26: "2026-12-31T00:00:00Z"}},
		{billing.TopupMonthly, "UTC", "2024-01-31T10:00:00Z", map[int64]string{
			1: "2024-02-29T10:00:00Z", 2: "2024-03-31T10:00:00Z", 3: "2024-04-30T10:00:00Z", 13: "2025-02-28T10:00:00Z", 14: "2025-03-31T10:00:00Z",
		}},
		{billing.TopupMonthly, "UTC", "2026-01-30T10:00:00Z", map[int64]string{1: "2026-02-28T10:00:00Z", 2: "2026-03-30T10:00:00Z"}},
		{billing.TopupMonthly, "Asia/Kolkata", "2021-09-30T20:00:00Z", map[int64]string{1: "2021-10-31T20:00:00Z", 2: "2021-11-30T20:00:00Z"}}, // the 1st there
	} {
		loc, err := time.LoadLocation(c.zone)
		if err != nil {
			t.Fatal(err)
		}
		anchor, err := time.Parse(time.RFC3339, c.anchor)
		if err != nil {
			t.Fatal(err)
		}
		r := billing.TopupRule{Period: c.period, Anchor: anchor}
		for n, want := range c.want {
			if got := r.PeriodStart(n, loc).Format(time.RFC3339); got != want {
				t.Errorf("%s of %s in %s, period %d: %s, want %s", c.period, c.anchor, c.zone, n, got, want)
			}
		}
	}
}

// TestDecideRecurring: what waits, what fails, and what is charged.
func TestDecideRecurring(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	good := func() *billing.RecurringFacts {
		return &billing.RecurringFacts{
			Now: now, Owner: alice, Top: billing.Customer(10), Rule: billing.TopupRule{Amount: 2 * usd, Unit: "USD"},
			Card: billing.CardChoice{Card: &billing.Card{ID: 7}, Reason: billing.ReasonCharge}, Mandate: 5, Tax: 1, Fee: 2,
		}
	}
	type change = func(*billing.RecurringFacts)
	for name, c := range map[string]struct {
		change change
		reason billing.Reason
		fails  bool
	}{
		"good":               {func(*billing.RecurringFacts) {}, billing.ReasonCharge, false},
		"held":               {func(f *billing.RecurringFacts) { f.Standing.Held = true }, billing.ReasonHeld, false},
		"blocked":            {func(f *billing.RecurringFacts) { f.Standing.Blocked = billing.BlockFraud }, billing.ReasonBlocked, false},
		"blocked by billing": {func(f *billing.RecurringFacts) { f.Standing.Blocked = billing.BlockBilling }, billing.ReasonCharge, false},
		"blocked above":      {func(f *billing.RecurringFacts) { f.Standing.Above = billing.BlockBilling }, billing.ReasonCustomerBlock, false},
		"expired":            {func(f *billing.RecurringFacts) { f.Standing.Expired = true }, billing.ReasonExpired, false},
		"another charge":     {func(f *billing.RecurringFacts) { f.OpenCharge = true }, billing.ReasonOpenCharge, false},
		"its own is open":    {func(f *billing.RecurringFacts) { f.OpenExecution = true }, billing.ReasonOpenCharge, false},
		"no mandate":         {func(f *billing.RecurringFacts) { f.Mandate = 0 }, billing.ReasonNoMandate, true},
		"no card": {func(f *billing.RecurringFacts) { f.Card = billing.CardChoice{Reason: billing.ReasonNoCard} },
			billing.ReasonNoCard, true},
		"amount refused": {func(f *billing.RecurringFacts) { f.Card.Reason = billing.ReasonAmountRefused }, billing.ReasonAmountRefused, true},
		"network limit":  {func(f *billing.RecurringFacts) { f.Card.Reason = billing.ReasonNetworkLimit }, billing.ReasonNetworkLimit, false},
		"cap of the day": {func(f *billing.RecurringFacts) { f.Limits.CapDay = 2 * usd }, billing.ReasonCapDay, false},
		"cap of the month": {func(f *billing.RecurringFacts) {
			f.Limits.CapMonth = 3 * usd
			f.History = []billing.AutomaticCharge{{At: now.Add(-48 * time.Hour), Gross: usd}}
		}, billing.ReasonCapMonth, false},
	} {
		f := good()
		c.change(f)
		d, fails := billing.DecideRecurring(f)
		if d.Reason != c.reason || fails != c.fails || (d.Charge != nil) != (c.reason == billing.ReasonCharge) {
			t.Errorf("%s: %s, charge %v, fails %v", name, d.Reason, d.Charge, fails)
		}
		if d.Charge != nil {
			want := &billing.ChargePlan{Card: billing.Card{ID: 7}, Mandate: 5, Credit: 2 * usd, Tax: 1, Fee: 2}
			if diff := cmp.Diff(want, d.Charge); diff != "" {
				t.Errorf("%s: %s", name, diff)
			}
		}
		if d.Purpose != billing.PurposeRecurring || d.Trigger != billing.TriggerRecurring || d.Owner != alice || d.Unit != "USD" {
			t.Errorf("%s: %+v", name, d)
		}
	}
}
