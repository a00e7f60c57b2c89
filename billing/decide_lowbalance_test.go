package billing_test

import (
	"testing"
	"time"

	"topupd/billing"
)

var t0 = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func ptr[T any](v T) *T { return &v }

// lowFacts is an owner that is low with everything in order for a charge.
func lowFacts(change ...func(*billing.LowBalanceFacts)) *billing.LowBalanceFacts {
	p := billing.NewLowBalance(billing.Account(100))
	p.Threshold = ptr(int64(5 * billing.Micro))
	p.NotifyByEmail, p.ChargeCard, p.ChargeAmount = true, true, 10*billing.Micro
	f := &billing.LowBalanceFacts{
		Now: t0, Trigger: billing.TriggerUsage, Owner: p.Owner, Unit: "USD", Available: ptr(int64(4 * billing.Micro)),
		Policy: p, Mandate: 1, Card: billing.CardChoice{Card: &billing.Card{ID: 1000, State: billing.CardUsable}, Reason: billing.ReasonCharge},
		Limits: billing.Limits{Interval: 15 * time.Minute, DailyCount: 5},
	}
	for _, c := range change {
		c(f)
	}
	return f
}

func lowCharges(ago ...time.Duration) []billing.AutomaticCharge {
	var h []billing.AutomaticCharge
	for _, d := range ago {
		h = append(h, billing.AutomaticCharge{Purpose: billing.PurposeLowBalance, At: t0.Add(-d), Gross: 10 * billing.Micro})
	}
	return h
}

func TestDecideLowBalance(t *testing.T) {
	const h = time.Hour
	type facts = billing.LowBalanceFacts
	tests := []struct {
		name   string
		change func(*facts)
		reason billing.Reason
		charge bool
		notice billing.NoticeKind
		next   time.Duration // after t0; 0 is never
	}{
		{"everything in order", func(*facts) {}, billing.ReasonCharge, true, "", 0},
		{"at the threshold is not low", func(f *facts) { f.Available = ptr(int64(5 * billing.Micro)) }, billing.ReasonNotLow, false, "", 0},
		{"a millionth below is low", func(f *facts) { f.Available = ptr(int64(5*billing.Micro - 1)) }, billing.ReasonCharge, true, "", 0},
		{"a null threshold is off", func(f *facts) { f.Policy.Threshold = nil }, billing.ReasonThresholdOff, false, "", 0},
		{"a negative threshold", func(f *facts) { f.Policy.Threshold = ptr(int64(-1)); f.Available = ptr(int64(-2)) }, billing.ReasonCharge, true, "", 0},
		{"a null credit limit is never low", func(f *facts) { f.Available = nil }, billing.ReasonUnlimited, false, "", 0},
		{"neither mail nor charge", func(f *facts) { f.Policy.ChargeCard, f.Policy.NotifyByEmail = false, false }, billing.ReasonOff, false, "", 0},
		{"mail only", func(f *facts) { f.Policy.ChargeCard = false }, billing.ReasonMail, false, billing.NoticeLowBalance, 0},
		{"mailed already", func(f *facts) {
			f.Policy.ChargeCard = false
			f.Policy.State = billing.LowBalanceState{Below: true, Episode: 1, MailedAt: t0.Add(-48 * h)}
		}, billing.ReasonMailed, false, "", 0},
		{"re-armed by a credit, but mailed 20 hours ago", func(f *facts) {
			f.Policy.ChargeCard = false
			f.Policy.State = billing.LowBalanceState{Below: true, Episode: 1, Armed: true, MailedAt: t0.Add(-20 * h)}
		}, billing.ReasonMailLater, false, "", 4 * h},
		{"mailed 20 hours ago, but was back at the threshold", func(f *facts) {
			f.Policy.ChargeCard = false
			f.Policy.State = billing.LowBalanceState{Armed: true, Back: true, MailedAt: t0.Add(-20 * h)}
		}, billing.ReasonMail, false, billing.NoticeLowBalance, 0},
		{"a reminder is due", func(f *facts) {
			f.Policy.ChargeCard = false
			f.Policy.Retry = &billing.NotificationRetry{Count: 3, Interval: ptr(int64(2))}
			f.Policy.State = billing.LowBalanceState{Below: true, Episode: 1, Reminders: 1, MailedAt: t0.Add(-2 * h)}
		}, billing.ReasonMail, false, billing.NoticeReminder, 2 * h},
		{"a reminder is not due", func(f *facts) {
			f.Policy.ChargeCard = false
			f.Policy.Retry = &billing.NotificationRetry{Count: 3}
			f.Policy.State = billing.LowBalanceState{Below: true, Episode: 1, MailedAt: t0.Add(-2 * h)}
		}, billing.ReasonMailed, false, "", 22 * h},
		{"reminders are spent", func(f *facts) {
			f.Policy.ChargeCard = false
			f.Policy.Retry = &billing.NotificationRetry{Count: 1, Interval: ptr(int64(1))}
			f.Policy.State = billing.LowBalanceState{Below: true, Episode: 1, Reminders: 1, MailedAt: t0.Add(-2 * h)}
		}, billing.ReasonMailed, false, "", 0},
		{"a credit never mails or charges", func(f *facts) { f.Trigger = billing.TriggerCredit }, billing.ReasonRearmed, false, "", time.Nanosecond},
		{"a correction mails and never charges", func(f *facts) { f.Trigger = billing.TriggerCorrection }, billing.ReasonCorrection, false, billing.NoticeLowBalance, 0},
		{"an open charge waits and says nothing", func(f *facts) { f.OpenCharge = true }, billing.ReasonOpenCharge, false, "", 0},
		{"no amount", func(f *facts) { f.Policy.ChargeAmount = 0 }, billing.ReasonNoAmount, false, billing.NoticeLowBalance, 0},
		{"no card", func(f *facts) { f.Card = billing.CardChoice{Reason: billing.ReasonNoCard} }, billing.ReasonNoCard, false, billing.NoticeLowBalance, 0},
		{"card gone", func(f *facts) { f.Card = billing.CardChoice{Reason: billing.ReasonCardGone} }, billing.ReasonCardGone, false, billing.NoticeLowBalance, 0},
		{"card expired", func(f *facts) { f.Card = billing.CardChoice{Reason: billing.ReasonCardExpired} }, billing.ReasonCardExpired, false, billing.NoticeLowBalance, 0},
		{"no mandate", func(f *facts) { f.Mandate = 0 }, billing.ReasonNoMandate, false, billing.NoticeLowBalance, 0},
		{"suspended", func(f *facts) { f.Policy.State.Suspended = billing.SuspendedDeclined }, billing.ReasonSuspended, false, billing.NoticeLowBalance, 0},
		{"needs the customer", func(f *facts) { f.Policy.State.Suspended = billing.NeedsCustomer }, billing.ReasonNeedsCustomer, false, billing.NoticeLowBalance, 0},
		{"blocked by the operator", func(f *facts) { f.Standing.Blocked = billing.BlockOperator }, billing.ReasonBlocked, false, billing.NoticeLowBalance, 0},
		{"blocked for billing still charges", func(f *facts) { f.Standing.Blocked = billing.BlockBilling }, billing.ReasonCharge, true, "", 0},
		{"blocked for billing and fraud", func(f *facts) { f.Standing.Blocked = billing.BlockBilling | billing.BlockFraud }, billing.ReasonBlocked, false, billing.NoticeLowBalance, 0},
		{"customer above blocked", func(f *facts) { f.Standing.Above = billing.BlockOperator }, billing.ReasonCustomerBlock, false, billing.NoticeLowBalance, 0},
		{"held after import", func(f *facts) { f.Standing.Held = true }, billing.ReasonHeld, false, "", 0},
		{"14 minutes after the last charge", func(f *facts) { f.History = lowCharges(14 * time.Minute) }, billing.ReasonInterval, false, billing.NoticeLowBalance, time.Minute},
		{"15 minutes after the last charge", func(f *facts) { f.History = lowCharges(15 * time.Minute) }, billing.ReasonCharge, true, "", 0},
		{"five in 24 hours", func(f *facts) { f.History = lowCharges(1*h, 2*h, 3*h, 4*h, 23*h) }, billing.ReasonDailyCount, false, billing.NoticeLowBalance, h},
		{"the fifth is 24 hours ago", func(f *facts) { f.History = lowCharges(1*h, 2*h, 3*h, 4*h, 24*h) }, billing.ReasonCharge, true, "", 0},
		{"a billing-run charge does not count for the interval", func(f *facts) {
			f.History = []billing.AutomaticCharge{{Purpose: billing.PurposeBillingRun, At: t0, Gross: billing.Micro}}
		}, billing.ReasonCharge, true, "", 0},
		{"cap of the day, over all purposes", func(f *facts) {
			f.Limits.CapDay = 15 * billing.Micro
			f.History = []billing.AutomaticCharge{{Purpose: billing.PurposeBillingRun, At: t0.Add(-h), Gross: 6 * billing.Micro}}
		}, billing.ReasonCapDay, false, billing.NoticeLowBalance, 12 * h},
		{"up to the cap of the day", func(f *facts) {
			f.Limits.CapDay = 16 * billing.Micro
			f.History = []billing.AutomaticCharge{{Purpose: billing.PurposeBillingRun, At: t0.Add(-h), Gross: 6 * billing.Micro}}
		}, billing.ReasonCharge, true, "", 0},
		{"a failed charge took no money", func(f *facts) {
			f.Limits.CapDay = 15 * billing.Micro
			f.History = []billing.AutomaticCharge{{Purpose: billing.PurposeBillingRun, At: t0.Add(-h), Gross: 6 * billing.Micro, Failed: true}}
		}, billing.ReasonCharge, true, "", 0},
		{"cap of the month", func(f *facts) {
			f.Limits.CapMonth = 15 * billing.Micro
			f.History = []billing.AutomaticCharge{{Purpose: billing.PurposeBillingRun, At: t0.Add(-20 * 24 * h), Gross: 6 * billing.Micro}}
		}, billing.ReasonCapMonth, false, billing.NoticeLowBalance, 8*24*h + 12*h},
		{"tax and fee count for the cap", func(f *facts) { f.Limits.CapDay, f.Tax = 10*billing.Micro, 1 }, billing.ReasonCapDay, false, billing.NoticeLowBalance, 12 * h},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := lowFacts(tt.change)
			d := billing.DecideLowBalance(f)
			if d.Reason != tt.reason || (d.Charge != nil) != tt.charge || d.Notice != tt.notice {
				t.Errorf("got reason %q, charge %v, notice %q; want %q, %v, %q",
					d.Reason, d.Charge != nil, d.Notice, tt.reason, tt.charge, tt.notice)
			}
			want := t0.Add(tt.next)
			switch {
			case tt.next == 0:
				want = time.Time{}
			case tt.next == time.Nanosecond:
				want = t0
			}
			if !d.NextAt.Equal(want) {
				t.Errorf("next at %v, want %v", d.NextAt, want)
			}
			if d.State.Reason != d.Reason || !d.State.JudgeAt.Equal(d.NextAt) {
				t.Errorf("the state keeps %q at %v, the decision says %q at %v", d.State.Reason, d.State.JudgeAt, d.Reason, d.NextAt)
			}
			if again := billing.DecideLowBalance(f); again.State != d.State || again.Reason != d.Reason {
				t.Error("the same facts led to two decisions")
			}
		})
	}
}

// A decision that is judged again right away must not charge or mail again.
func TestDecideLowBalanceTellsOnce(t *testing.T) {
	f := lowFacts(func(f *billing.LowBalanceFacts) { f.Policy.ChargeCard = false })
	d := billing.DecideLowBalance(f)
	if d.Notice != billing.NoticeLowBalance || d.State.Episode != 1 {
		t.Fatalf("first: %+v", d)
	}
	for i := range 3 {
		f.Policy.State, f.Now = d.State, f.Now.Add(time.Hour*time.Duration(30*i))
		d = billing.DecideLowBalance(f)
		if d.Notice != "" || d.State.Episode != 1 {
			t.Fatalf("judged again: notice %q, episode %d", d.Notice, d.State.Episode)
		}
	}
	f.Policy.State, f.Available = d.State, ptr(int64(5*billing.Micro))
	d = billing.DecideLowBalance(f)
	f.Policy.State, f.Available = d.State, ptr(int64(0))
	if d = billing.DecideLowBalance(f); d.Notice != billing.NoticeLowBalance || d.State.Episode != 2 {
		t.Fatalf("a second crossing: notice %q, episode %d", d.Notice, d.State.Episode)
	}
}

func TestDecidePrice(t *testing.T) {
	price := int64(20 * billing.Micro)
	tests := []struct {
		name      string
		prepaid   bool
		onFailure billing.OnFailure
		available *int64
		want      billing.PriceAnswer
	}{
		{"postpaid always", false, billing.FailBlock, ptr(int64(0)), billing.PricePost},
		{"prepaid covered exactly", true, billing.FailBlock, &price, billing.PricePost},
		{"prepaid a millionth short", true, billing.FailBlock, ptr(price - 1), billing.PriceBlock},
		{"tariff", true, billing.FailTariff, ptr(price - 1), billing.PriceSuspendPlan},
		{"overdraw", true, billing.FailOverdraw, ptr(int64(-price)), billing.PricePost},
		{"unlimited", true, billing.FailBlock, nil, billing.PricePost},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := billing.Period{Price: price, Prepaid: tt.prepaid, OnFailure: tt.onFailure}
			if got := billing.DecidePrice(p, tt.available); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestDecideBillingCharge(t *testing.T) {
	type facts = billing.BillingFacts
	tests := []struct {
		name   string
		change func(*facts)
		reason billing.Reason
		credit int64
	}{
		{"the plan's price", func(*facts) {}, billing.ReasonCharge, 20},
		{"its own amount", func(f *facts) { f.Policy.BRChargeAmount = ptr(int64(7 * billing.Micro)) }, billing.ReasonCharge, 7},
		{"off", func(f *facts) { f.Policy.BRChargeCard = false }, billing.ReasonOff, 0},
		{"amount 0", func(f *facts) { f.Policy.BRChargeAmount = ptr(int64(0)) }, billing.ReasonNoAmount, 0},
		{"free plan", func(f *facts) { f.Period.Price = 0 }, billing.ReasonNoAmount, 0},
		{"open charge waits", func(f *facts) { f.OpenCharge = true }, billing.ReasonOpenCharge, 0},
		{"blocked for billing still charges", func(f *facts) { f.Standing.Blocked = billing.BlockBilling }, billing.ReasonCharge, 20},
		{"blocked", func(f *facts) { f.Standing.Blocked = billing.BlockDispute }, billing.ReasonBlocked, 0},
		{"suspended for low balance only", func(f *facts) { f.Policy.State.Suspended = billing.SuspendedHard }, billing.ReasonCharge, 20},
		{"suspended", func(f *facts) { f.Policy.State.BRSuspended = billing.SuspendedDeclined }, billing.ReasonSuspended, 0},
		{"no mandate", func(f *facts) { f.Mandate = 0 }, billing.ReasonNoMandate, 0},
		{"cap of the day", func(f *facts) { f.Limits.CapDay = 19 * billing.Micro }, billing.ReasonCapDay, 0},
		{"the low-balance interval does not hold it", func(f *facts) { f.History = lowCharges(time.Minute) }, billing.ReasonCharge, 20},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := billing.NewLowBalance(billing.Account(100))
			p.BRChargeCard = true
			f := &facts{
				Now: t0, Owner: p.Owner, Unit: "USD", Policy: p, Mandate: 1, Period: billing.Period{Price: 20 * billing.Micro},
				Card:   billing.CardChoice{Card: &billing.Card{ID: 1}, Reason: billing.ReasonCharge},
				Limits: billing.Limits{Interval: 15 * time.Minute, DailyCount: 5},
			}
			tt.change(f)
			d := billing.DecideBillingCharge(f)
			if d.Reason != tt.reason {
				t.Fatalf("reason %q, want %q", d.Reason, tt.reason)
			}
			if got := d.Charge; (got != nil) != (tt.credit != 0) || (got != nil && got.Credit != tt.credit*billing.Micro) {
				t.Errorf("charge %+v, want a credit of %d", got, tt.credit)
			}
		})
	}
}
