package billing

import (
	"context"
	"iter"
)

// ThresholdFilter selects what Thresholds shows.
type ThresholdFilter struct {
	Customer OwnerID // zero: the actor's whole scope
	Below    bool    // only those below their threshold
	State    string  // only rows in this state; empty: all
}

// ThresholdRow is one owner with a threshold: how it stands, and what the next
// judgement would do, by the same function that will do it.
type ThresholdRow struct {
	Owner    Owner
	Policy   LowBalance
	Decision Decision
	// State is one of ThresholdStates.
	State string
	// OpenCharge is the charge that is under way, 0 if none.
	OpenCharge ChargeID
}

// The states of a threshold row.
const (
	StateOK        = "ok"        // at or above the threshold
	StateLow       = "low"       // below
	StateCharging  = "charging"  // below or billed, and a charge is open
	StateSuspended = "suspended" // below, and charges are suspended or need the customer
	StateBlocked   = "blocked"   // below, and the owner or a customer above is blocked or held, or the account expired
	StateOff       = "off"       // neither mail nor charge is on, or the limit is unlimited
)

// ThresholdStates lists the states that a filter may name.
func ThresholdStates() []string {
	return []string{StateOK, StateLow, StateCharging, StateSuspended, StateBlocked, StateOff}
}

// Thresholds yields every owner that has a threshold, by id. It holds a
// snapshot for no longer than a page.
func (e *Engine) Thresholds(ctx context.Context, f ThresholdFilter) iter.Seq2[ThresholdRow, error] {
	within := f.Customer
	if a := ActorFrom(ctx); within == 0 && !a.IsRoot() {
		within = a.Customer
	}
	return func(yield func(ThresholdRow, error) bool) {
		var after OwnerID
		for {
			var rows []ThresholdRow
			n := 0
			err := e.view(ctx, func(r Reader) (err error) {
				rows, n, after, err = e.thresholdPage(ctx, r, f, within, after)
				return err
			})
			if err != nil {
				yield(ThresholdRow{}, err)
				return
			}
			for _, row := range rows {
				if !yield(row, nil) {
					return
				}
			}
			if n < page {
				return
			}
		}
	}
}

func (e *Engine) thresholdPage(ctx context.Context, r Reader, f ThresholdFilter, within, after OwnerID) ([]ThresholdRow, int, OwnerID, error) {
	if within != 0 && after == 0 {
		o, err := r.Owner(within)
		if a := ActorFrom(ctx); err == nil && !a.Sees(&o) {
			err = NotFound
		}
		if err != nil {
			return nil, 0, 0, wrongOwner(within, err)
		}
	}
	list, err := r.Policies(PolicyFilter{Within: within, Below: f.Below, After: after, Limit: page})
	if err != nil {
		return nil, 0, after, err
	}
	var rows []ThresholdRow
	for i := range list {
		j := &list[i]
		after = j.Owner.ID
		if j.Policy.Threshold == nil {
			continue
		}
		facts, err := e.lowBalanceFacts(r, j, TriggerSweep, now(ctx))
		if err != nil {
			return nil, 0, after, err
		}
		row := ThresholdRow{Owner: j.Owner, Policy: j.Policy, Decision: DecideLowBalance(facts), OpenCharge: j.OpenCharge}
		row.State = thresholdState(&row)
		if (f.State == "" || f.State == row.State) && (!f.Below || row.Decision.Low) {
			rows = append(rows, row)
		}
	}
	return rows, len(list), after, nil
}

func thresholdState(r *ThresholdRow) string {
	switch d := &r.Decision; {
	case r.OpenCharge != 0:
		return StateCharging
	case d.Low && r.Policy.Active() && r.Owner.Blocked&^BlockBilling != 0:
		return StateBlocked
	case d.Reason == ReasonUnlimited || !r.Policy.Active():
		return StateOff
	case !d.Low:
		return StateOK
	case d.Reason == ReasonSuspended || d.Reason == ReasonNeedsCustomer || d.Reason == ReasonCardGone:
		return StateSuspended
	case d.Reason == ReasonBlocked || d.Reason == ReasonCustomerBlock || d.Reason == ReasonExpired || d.Reason == ReasonHeld:
		return StateBlocked
	default:
		return StateLow
	}
}

// ChargeRow is a charge with what a person wants to see beside it.
type ChargeRow struct {
	Charge   Charge
	Card     string // "Visa 4242"
	Attempts []Attempt
	// GivenBack is what was refunded, or taken by a dispute, in millionths.
	GivenBack int64
}

// Charges lists charges of the actor's scope, newest first.
func (e *Engine) Charges(ctx context.Context, f ChargeFilter) ([]ChargeRow, error) {
	if a := ActorFrom(ctx); f.Within == 0 && !a.IsRoot() {
		f.Within = a.Customer
	}
	var rows []ChargeRow
	err := e.view(ctx, func(r Reader) error {
		rows = nil
		charges, err := r.Charges(f)
		if err != nil {
			return err
		}
		for _, c := range charges {
			card, err := r.Card(c.Card)
			if err != nil {
				return err
			}
			row := ChargeRow{Charge: c, Card: card.Label()}
			if row.Attempts, err = r.Attempts(c.ID); err != nil {
				return err
			}
			if row.GivenBack, err = givenBack(r, &c); err != nil {
				return err
			}
			rows = append(rows, row)
		}
		return nil
	})
	return rows, err
}

// Why lists the kept decisions about an owner, newest first, ids below before.
func (e *Engine) Why(ctx context.Context, o OwnerID, before int64, limit int) (list []Decision, err error) {
	err = e.view(ctx, func(r Reader) error {
		owner, err := r.Owner(o)
		if a := ActorFrom(ctx); err == nil && !a.Sees(&owner) {
			err = NotFound
		}
		if err != nil {
			return wrongOwner(o, err)
		}
		list, err = r.Decisions(o, before, limit)
		return err
	})
	return list, err
}

// Mandates lists the consents to automatic charges of an owner in the actor's
// scope, newest first. Errors: NotFound.
func (e *Engine) Mandates(ctx context.Context, o OwnerID) (list []Mandate, err error) {
	err = e.view(ctx, func(r Reader) error {
		owner, err := r.Owner(o)
		if a := ActorFrom(ctx); err == nil && !a.Sees(&owner) {
			err = NotFound
		}
		if err != nil {
			return wrongOwner(o, err)
		}
		list, err = r.Mandates(o)
		return err
	})
	return list, err
}

// CurrencyOf is the currency of an owner in the actor's scope. Errors: NotFound.
func (e *Engine) CurrencyOf(ctx context.Context, o OwnerID) (unit Unit, err error) {
	err = e.view(ctx, func(r Reader) error {
		owner, err := r.Owner(o)
		if a := ActorFrom(ctx); err == nil && !a.Sees(&owner) {
			err = NotFound
		}
		unit = owner.Currency
		return wrongOwner(o, err)
	})
	return unit, err
}

// Runs lists runs, newest first, with what became of their charges since.
func (e *Engine) Runs(ctx context.Context, job Job, before RunID, limit int) (runs []Run, err error) {
	if !ActorFrom(ctx).IsRoot() {
		return nil, Errorf(Forbidden, "", "runs are shown to root logins")
	}
	err = e.view(ctx, func(r Reader) error {
		if runs, err = r.Runs(job, before, limit); err != nil {
			return err
		}
		for i := range runs {
			if err := fillTally(r, &runs[i]); err != nil {
				return err
			}
		}
		return nil
	})
	return runs, err
}

// RunReport is one run as it stands now.
func (e *Engine) RunReport(ctx context.Context, id RunID) (run Run, err error) {
	err = e.view(ctx, func(r Reader) error {
		if run, err = r.Run(id); err != nil {
			return err
		}
		return fillTally(r, &run)
	})
	return run, err
}

func fillTally(r Reader, run *Run) error {
	t, err := r.RunTally(run.ID)
	run.Tally.Charges, run.Tally.Charged, run.Tally.Declined = t.Charges, t.Charged, t.Declined
	run.Tally.Unknown, run.Tally.Waiting, run.Tally.Mails = t.Unknown, t.Waiting, t.Mails
	// Prices of the run's own periods are posted later too, when their charge
	// settles; those of an older run that it paid were counted when decided.
	run.Tally.Posted = max(run.Tally.Posted, t.Posted)
	return err
}

// LastKey is the newest firing of a job that finished; empty if none (N1).
func (e *Engine) LastKey(ctx context.Context, job Job) (key string, err error) {
	err = e.view(ctx, func(r Reader) error {
		key, err = r.LastKey(job)
		return err
	})
	return key, err
}

// Verify checks the ledger: at most limit discrepancies.
func (e *Engine) Verify(ctx context.Context, limit int) ([]Discrepancy, error) {
	return e.store.Verify(ctx, limit)
}

// Snapshot reads for an export, in one consistent view; root only.
func (e *Engine) Snapshot(ctx context.Context, fn func(Reader) error) error {
	if !ActorFrom(ctx).IsRoot() {
		return Errorf(Forbidden, "", "export needs a root login")
	}
	return e.view(ctx, fn)
}

// Token opens a card's token, for an export with secrets.
func (e *Engine) Token(c *Card) (Secret, error) {
	if len(c.Token) == 0 {
		return "", nil
	}
	return e.sealer.Open(c.Token, cardAAD(c.ID))
}

// LoginHash opens a login's HA1, for an export with secrets.
func (e *Engine) LoginHash(l *Login) (Secret, error) {
	if len(l.HA1) == 0 {
		return "", nil
	}
	return e.sealer.Open(l.HA1, loginAAD(l.Name))
}

// Empty reports whether nothing but root is there: what --demo loads into.
func (e *Engine) Empty(ctx context.Context) (empty bool, err error) {
	err = e.view(ctx, func(r Reader) error {
		owners, err := r.Owners(OwnerFilter{After: Root, Limit: 1})
		if err != nil {
			return err
		}
		plans, err := r.Plans()
		empty = len(owners)+len(plans) == 0
		return err
	})
	return empty, err
}
