package billing_test

import (
	"testing"
	"time"

	"topupd/billing"
)

// The truth table of ChargeStateOf's comment, row by row; every pair that is
// not listed is impossible.
func TestChargeStateOf(t *testing.T) {
	type row struct {
		last billing.AttemptState
		end  billing.ChargeEnd
	}
	want := map[row]billing.ChargeState{
		{"", billing.EndNone}:                             billing.ChargeCreated,
		{"", billing.EndCancelled}:                        billing.ChargeCancelled,
		{billing.AttemptSubmitted, billing.EndNone}:       billing.ChargeSubmitted,
		{billing.AttemptUnknown, billing.EndNone}:         billing.ChargeUnknown,
		{billing.AttemptUnknown, billing.EndUnresolved}:   billing.ChargeUnresolved,
		{billing.AttemptSucceeded, billing.EndNone}:       billing.ChargeSucceeded,
		{billing.AttemptSucceeded, billing.EndCancelled}:  billing.ChargeSucceeded,
		{billing.AttemptSucceeded, billing.EndGivenUp}:    billing.ChargeSucceeded,
		{billing.AttemptSucceeded, billing.EndUnresolved}: billing.ChargeSucceeded,
		{billing.AttemptNotSent, billing.EndNone}:         billing.ChargeCreated,
		{billing.AttemptNotSent, billing.EndCancelled}:    billing.ChargeCancelled,
		{billing.AttemptDeclined, billing.EndNone}:        billing.ChargeCreated,
		{billing.AttemptDeclined, billing.EndCancelled}:   billing.ChargeCancelled,
		{billing.AttemptDeclined, billing.EndGivenUp}:     billing.ChargeFailed,
	}
	attempts := []billing.AttemptState{"", billing.AttemptSubmitted, billing.AttemptUnknown, billing.AttemptSucceeded, billing.AttemptDeclined, billing.AttemptNotSent}
	ends := []billing.ChargeEnd{billing.EndNone, billing.EndCancelled, billing.EndGivenUp, billing.EndUnresolved}
	for _, last := range attempts {
		for _, end := range ends {
			got, ok := billing.ChargeStateOf(last, end)
			state, possible := want[row{last, end}]
			if got != state || ok != possible {
				t.Errorf("attempt %q, end %d: got %q, %v; want %q, %v", last, end, got, ok, state, possible)
			}
		}
	}
}

func TestChargeStateOpen(t *testing.T) {
	open := map[billing.ChargeState]bool{
		billing.ChargeCreated: true, billing.ChargeSubmitted: true, billing.ChargeUnknown: true, billing.ChargeUnresolved: true,
		billing.ChargeSucceeded: false, billing.ChargeFailed: false, billing.ChargeCancelled: false,
	}
	for s, want := range open {
		if s.Open() != want {
			t.Errorf("%s: open %v, want %v", s, s.Open(), want)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	tests := []struct {
		p    billing.Purpose
		n    int
		wait time.Duration
		ok   bool
	}{
		{billing.PurposeLowBalance, 1, time.Hour, true},
		{billing.PurposeLowBalance, 2, 24 * time.Hour, true},
		{billing.PurposeLowBalance, 3, 72 * time.Hour, true},
		{billing.PurposeLowBalance, 4, 0, false},
		{billing.PurposeBillingRun, 1, 48 * time.Hour, true},
		{billing.PurposeBillingRun, 4, 48 * time.Hour, true},
		{billing.PurposeBillingRun, 5, 0, false},
		{billing.PurposeManual, 1, 0, false},
		{billing.PurposeLowBalance, 0, 0, false},
	}
	for _, tt := range tests {
		if wait, ok := billing.RetryAfter(tt.p, tt.n); wait != tt.wait || ok != tt.ok {
			t.Errorf("%s after attempt %d: %v, %v; want %v, %v", tt.p, tt.n, wait, ok, tt.wait, tt.ok)
		}
	}
}

func TestPostingValidate(t *testing.T) {
	acc := billing.Account(1)
	tests := []struct {
		name    string
		cause   string
		entries []billing.Entry
		ok      bool
	}{
		{"zero sum", "c", []billing.Entry{{Owner: acc, Unit: "USD", Micros: 5}, {Account: "usage", Unit: "USD", Micros: -5}}, true},
		{"not zero", "c", []billing.Entry{{Owner: acc, Unit: "USD", Micros: 5}, {Account: "usage", Unit: "USD", Micros: -4}}, false},
		{"zero over two units only", "c", []billing.Entry{{Owner: acc, Unit: "USD", Micros: 5}, {Account: "usage", Unit: "EUR", Micros: -5}}, false},
		{"one entry", "c", []billing.Entry{{Owner: acc, Unit: "USD", Micros: 5}}, false},
		{"no cause", "", []billing.Entry{{Owner: acc, Unit: "USD", Micros: 5}, {Account: "usage", Unit: "USD", Micros: -5}}, false},
		{"both sides", "c", []billing.Entry{{Owner: acc, Account: "x", Unit: "USD", Micros: 5}, {Account: "usage", Unit: "USD", Micros: -5}}, false},
		{"a zero entry", "c", []billing.Entry{{Owner: acc, Unit: "USD"}, {Account: "usage", Unit: "USD"}}, false},
	}
	for _, tt := range tests {
		p := billing.Posting{Cause: tt.cause, Entries: tt.entries}
		if err := p.Validate(); (err == nil) != tt.ok {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}
