package billing_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"topupd/billing"
)

func noonOf(date string) time.Time {
	d, err := time.Parse(time.DateOnly, date)
	if err != nil {
		panic(err)
	}
	return d.Add(12 * time.Hour)
}

// profileFacts is a customer 10 with a credit limit of 500 and a debt of 450.01, a
// profile that fires at 450 and collects 100, and a card that can be charged.
func profileFacts() *billing.ProfileFacts {
	return &billing.ProfileFacts{
		Now: noonOf("2026-11-22"), Today: "2026-11-22", Owner: billing.Customer(10), Top: billing.Customer(10), Unit: "USD",
		Profile: billing.Profile{
			ID: 1, Enabled: true, Basis: billing.BasisOutstanding, Trigger: billing.TriggerAbsolute, TriggerValue: 50 * usd,
			Limit: "Credit Limit", Mode: billing.TopupFixed, TopupValue: 100 * usd, AutoCollect: true,
			LetterExpected: 1, LetterCard: 2, LetterDirectDebit: 3,
		},
		Terms: billing.TopupTerms{
			Owner: billing.Customer(10), Profile: 1, Outstanding: cents(450_01), PaymentType: billing.PaysByCard,
			Limits: []billing.NamedLimit{{"Credit Limit", 500 * usd}, {"Outstanding Limit", 1000 * usd}},
		},
		Card: billing.CardChoice{Card: &billing.Card{ID: 1000}, Reason: billing.ReasonCharge}, Mandate: 1,
		Limits: billing.Limits{Location: time.UTC},
	}
}

func cents(n int64) int64 { return n * usd / 100 }

// TestDecideProfile is spec/rest.md section 1.4: its worked examples first.
func TestDecideProfile(t *testing.T) {
	type facts = billing.ProfileFacts
	percent := func(trigger, topup int64) func(*facts) {
		return func(f *facts) {
			f.Profile.Trigger, f.Profile.TriggerValue = billing.TriggerPercent, trigger*usd
			f.Profile.Mode, f.Profile.TopupValue = billing.TopupToPercent, topup*usd
			f.Terms.Outstanding = 430 * usd
		}
	}
	prepaid := func(debt int64) func(*facts) {
		return func(f *facts) {
			f.Terms.Limits[0].Micros, f.Profile.TriggerValue, f.Terms.Outstanding = 0, 10*usd, debt
		}
	}
	both := func(all ...func(*facts)) func(*facts) {
		return func(f *facts) {
			for _, c := range all {
				c(f)
			}
		}
	}
	amount := func(v int64) func(*facts) { return func(f *facts) { f.Terms.Amount = &v } }
	const charge, expected = billing.ReasonCharge, billing.ReasonExpected
	for name, c := range map[string]struct {
		change func(*facts)
		reason billing.Reason
		amount int64
		detail string
		letter billing.LetterTypeID
	}{
		"absolute, at the threshold":  {func(f *facts) { f.Terms.Outstanding = 450 * usd }, billing.ReasonNotLow, 0, "", 0},
		"absolute, a cent above":      {func(*facts) {}, charge, 100 * usd, "", 2},
		"a millionth above":           {func(f *facts) { f.Terms.Outstanding = 450*usd + 1 }, charge, 100 * usd, "", 2},
		"percent":                     {percent(80, 20), charge, 330 * usd, "", 2},
		"percent, at the threshold":   {both(percent(80, 20), func(f *facts) { f.Terms.Outstanding = 400 * usd }), billing.ReasonNotLow, 0, "", 0},
		"percent of another limit":    {both(percent(80, 20), func(f *facts) { f.Profile.TopupLimit = "Outstanding Limit" }), charge, 230 * usd, "", 2},
		"the customer's own amount":   {both(percent(80, 20), amount(75*usd)), charge, 75 * usd, "", 2},
		"an own amount of 0 is none":  {both(percent(80, 20), amount(0)), charge, 330 * usd, "", 2},
		"prepaid, 9.99 in credit":     {prepaid(-cents(9_99)), charge, 100 * usd, "", 2},
		"prepaid, 10.00 in credit":    {prepaid(-10 * usd), billing.ReasonNotLow, 0, "", 0},
		"rounded up to the cent":      {both(percent(80, 20), func(f *facts) { f.Terms.Outstanding += 1 }), charge, cents(330_01), "", 2},
		"rounded up to the yen":       {both(percent(80, 20), func(f *facts) { f.Unit, f.Terms.Outstanding = "JPY", cents(430_01) }), charge, 331 * usd, "", 2},
		"overdue":                     {func(f *facts) { f.Profile.Basis, f.Terms.Overdue = billing.BasisOverdue, 450*usd }, billing.ReasonNotLow, 0, "", 0},
		"unbilled calls alone":        {func(f *facts) { f.Profile.Basis, f.Terms.Unbilled = billing.BasisUnbilled, cents(450_01) }, charge, 100 * usd, "", 2},
		"smaller than the gap":        {func(f *facts) { f.Terms.Outstanding = 700 * usd }, charge, 100 * usd, "still below after top-up", 2},
		"at the target":               {both(percent(80, 90), func(f *facts) { f.Profile.TopupLimit = "Outstanding Limit" }), billing.ReasonAtTarget, 0, "", 0},
		"no limit":                    {func(f *facts) { f.Terms.Limits = nil }, billing.ReasonNoLimit, 0, "", 0},
		"a percentage of nothing":     {both(percent(80, 20), func(f *facts) { f.Terms.Limits[0].Micros = 0 }), billing.ReasonNoLimit, 0, "", 0},
		"no amount":                   {func(f *facts) { f.Profile.TopupValue = 0 }, billing.ReasonNoAmount, 0, "", 0},
		"switched off":                {func(f *facts) { f.Profile.Enabled = false }, billing.ReasonProfileOff, 0, "", 0},
		"another customer's":          {func(f *facts) { f.Profile.Customer = billing.Customer(11) }, billing.ReasonOtherCustomer, 0, "", 0},
		"its own":                     {func(f *facts) { f.Profile.Customer = billing.Customer(10) }, charge, 100 * usd, "", 2},
		"today":                       {func(f *facts) { f.Last = "2026-11-22" }, billing.ReasonToppedUp, 0, "", 0},
		"yesterday, every day":        {func(f *facts) { f.Last = "2026-11-21" }, charge, 100 * usd, "", 2},
		"the sixth day of seven":      {func(f *facts) { f.Last, f.Profile.MinDays = "2026-11-16", 7 }, billing.ReasonCoolDown, 0, "6 of 7 days since 2026-11-16", 0},
		"the seventh day":             {func(f *facts) { f.Last, f.Profile.MinDays = "2026-11-15", 7 }, charge, 100 * usd, "", 2},
		"over the end of a month":     {func(f *facts) { f.Last, f.Profile.MinDays = "2026-10-31", 23 }, billing.ReasonCoolDown, 0, "22 of 23 days since 2026-10-31", 0},
		"a charge is open":            {func(f *facts) { f.OpenCharge = true }, billing.ReasonOpenCharge, 0, "", 0},
		"a payment is expected":       {func(f *facts) { f.OpenExpected = true }, billing.ReasonOpenExpected, 0, "", 0},
		"blocked":                     {func(f *facts) { f.Standing.Blocked = billing.BlockOperator }, billing.ReasonBlocked, 0, "operator", 0},
		"blocked for billing":         {func(f *facts) { f.Standing.Blocked = billing.BlockBilling }, charge, 100 * usd, "", 2},
		"blocked above":               {func(f *facts) { f.Standing.Above = billing.BlockFraud }, billing.ReasonCustomerBlock, 0, "fraud", 0},
		"held":                        {func(f *facts) { f.Standing.Held = true }, billing.ReasonHeld, 0, "", 0},
		"cap of the day":              {func(f *facts) { f.Limits.CapDay = 100*usd - 1 }, billing.ReasonCapDay, 0, "", 0},
		"cap of the month":            {func(f *facts) { f.Limits.CapMonth = 100*usd - 1 }, billing.ReasonCapMonth, 0, "", 0},
		"a cap holds no invoice back": {func(f *facts) { f.Limits.CapDay, f.Profile.AutoCollect = 1, false }, expected, 100 * usd, "off", 1},
		"not collected":               {func(f *facts) { f.Profile.AutoCollect = false }, expected, 100 * usd, "off", 1},
		"no card":                     {func(f *facts) { f.Card = billing.CardChoice{Reason: billing.ReasonNoCard} }, expected, 100 * usd, "no_card", 1},
		"no mandate":                  {func(f *facts) { f.Mandate = 0 }, expected, 100 * usd, "no_mandate", 1},
		"direct debit":                {func(f *facts) { f.Terms.PaymentType = billing.PaysByDirectDebit }, expected, 100 * usd, "direct_debit", 1},
		"another payment type":        {func(f *facts) { f.Terms.PaymentType = billing.PaysOtherwise }, expected, 100 * usd, "payment_type", 1},
		"suspended":                   {func(f *facts) { f.Terms.Suspended = billing.SuspendedHard }, expected, 100 * usd, "suspended: hard_decline", 1},
		"no letter":                   {func(f *facts) { f.Profile.LetterCard = 0 }, charge, 100 * usd, "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			f := profileFacts()
			c.change(f)
			d := billing.DecideProfile(f)
			if d.Reason != c.reason || d.Topup.Amount != c.amount || d.Detail != c.detail || d.Topup.Letter != c.letter {
				t.Errorf("%s %s %q letter %d; want %s %s %q letter %d", d.Reason, billing.FormatMicros(d.Topup.Amount), d.Detail, d.Topup.Letter,
					c.reason, billing.FormatMicros(c.amount), c.detail, c.letter)
			}
			if (d.Charge != nil) != (c.reason == charge) || d.Charge != nil && d.Charge.Credit != c.amount {
				t.Errorf("charge %+v", d.Charge)
			}
			if (d.Notice == billing.NoticeTopup) != (c.letter != 0) {
				t.Errorf("notice %q", d.Notice)
			}
		})
	}
}

// TestDecideProfileNeverHarms: whatever limits, debts, profiles and own amounts there
// are, a top-up lowers the debt, is of whole minor units, keeps the caps, and reaches its
// target; and what fired does not fire again on the same day.
func TestDecideProfileNeverHarms(t *testing.T) {
	fired := 0
	check := func(t *rapid.T) {
		money := rapid.Int64Range(-2000*usd, 2000*usd)
		f := profileFacts()
		f.Unit = billing.Unit(rapid.SampledFrom([]string{"USD", "JPY", "KWD"}).Draw(t, "unit"))
		f.Terms.Outstanding, f.Terms.Overdue, f.Terms.Unbilled = money.Draw(t, "outstanding"), money.Draw(t, "overdue"), money.Draw(t, "unbilled")
		f.Terms.Limits = []billing.NamedLimit{{"Credit Limit", money.Draw(t, "limit")}, {"Outstanding Limit", money.Draw(t, "other limit")}}
		f.Profile.Basis = rapid.SampledFrom([]billing.TopupBasis{billing.BasisOutstanding, billing.BasisOverdue, billing.BasisUnbilled}).Draw(t, "basis")
		f.Profile.Trigger = rapid.SampledFrom([]billing.TriggerKind{billing.TriggerAbsolute, billing.TriggerPercent}).Draw(t, "trigger")
		f.Profile.TriggerValue = rapid.Int64Range(0, 100*usd).Draw(t, "trigger value")
		f.Profile.Mode = rapid.SampledFrom([]billing.TopupMode{billing.TopupFixed, billing.TopupToPercent}).Draw(t, "mode")
		f.Profile.TopupValue = rapid.Int64Range(0, 100*usd-1).Draw(t, "topup value")
		f.Profile.TopupLimit = rapid.SampledFrom([]string{"", "Outstanding Limit"}).Draw(t, "topup limit")
		f.Profile.AutoCollect = rapid.Bool().Draw(t, "collect")
		f.Limits.CapDay = rapid.Int64Range(0, 500*usd).Draw(t, "cap")
		if rapid.Bool().Draw(t, "own") {
			own := rapid.Int64Range(0, 300*usd).Draw(t, "own amount")
			f.Terms.Amount = &own
		}
		before := f.Terms.Debt(f.Profile.Basis)
		d := billing.DecideProfile(f)
		if d.Topup.Amount == 0 {
			if d.Charge != nil || d.Notice != "" {
				t.Fatalf("nothing is topped up, and yet %+v", d)
			}
			return
		}
		fired++
		cur, _ := billing.LookupCurrency(string(f.Unit))
		if up, err := cur.RoundUp(d.Topup.Amount); err != nil || up != d.Topup.Amount || up < 0 {
			t.Fatalf("%s is not whole minor units", billing.FormatMicros(d.Topup.Amount))
		}
		if before <= *d.Topup.Threshold || before-d.Topup.Amount >= before {
			t.Fatalf("a debt of %d, threshold %d, is topped up by %d", before, *d.Topup.Threshold, d.Topup.Amount)
		}
		if d.Charge != nil && f.Limits.CapDay > 0 && d.Charge.Gross() > f.Limits.CapDay {
			t.Fatalf("%d is above the cap %d", d.Charge.Gross(), f.Limits.CapDay)
		}
		if f.Profile.Mode == billing.TopupToPercent && (f.Terms.Amount == nil || *f.Terms.Amount == 0) {
			name := f.Profile.TopupLimit
			if name == "" {
				name = f.Profile.Limit
			}
			if left, target := before-d.Topup.Amount, *f.Terms.Limit(name)/100*f.Profile.TopupValue/usd+1; left > target {
				t.Fatalf("%d is left above the target %d", left, target)
			}
		}
		f.Last = f.Today
		if again := billing.DecideProfile(f); again.Topup.Amount != 0 || again.Charge != nil || again.Reason != billing.ReasonToppedUp {
			t.Fatalf("the same day again: %+v", again)
		}
	}
	for round := 0; fired == 0 && round < 20; round++ { // the 8 cases of -short all stay quiet in one run of seven
		rapid.Check(t, check)
	}
	if fired == 0 {
		t.Error("no case fired")
	}
}
