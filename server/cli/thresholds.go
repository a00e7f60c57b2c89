package cli

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"topupd/billing"
)

// thresholdsCmd prints owners with a threshold.
type thresholdsCmd struct {
	Customer int64  `placeholder:"N" help:"Only this customer and all below it."`
	Below    bool   `help:"Only those below their threshold."`
	State    string `placeholder:"STATE" help:"Only those in this state: ok, low, charging, suspended, blocked, off."`
	format   `embed:""`
}

var thresholdColumns = []string{
	"i_account", "i_customer", "name", "available", "threshold", "currency", "state", "next", "reason",
	"detail", "next_action", "next_amount", "next_at", "i_debit_credit_card", "charge",
}

// thresholdWide are for programs: next says them in words.
var thresholdWide = []string{"currency", "next_action", "next_amount", "next_at", "i_debit_credit_card", "charge"}

// Run prints one row for each owner that has a threshold.
func (c *thresholdsCmd) Run(a *app) error {
	if c.State != "" && !slices.Contains(billing.ThresholdStates(), c.State) {
		return wrong("--state", c.State, strings.Join(billing.ThresholdStates(), ", "))
	}
	f := billing.ThresholdFilter{Below: c.Below, State: c.State}
	var err error
	if f.Customer, err = ownerFlag("--customer", c.Customer, billing.Customer); err != nil {
		return err
	}
	o, err := a.open(opening{})
	if err != nil {
		return err
	}
	defer o.close()
	rows := c.rows(a.out, thresholdColumns, thresholdWide...)
	for t, err := range o.engine.Thresholds(as(a.ctx, "cli"), f) {
		if err != nil {
			return err
		}
		n := nextOf(&t)
		if t.OpenCharge != 0 {
			if n, err = openChargeNext(a, o, &t); err != nil {
				return err
			}
		}
		if err := rows.row(thresholdRow(&t, n)); err != nil {
			return err
		}
	}
	if err := rows.end(); err != nil {
		return err
	}
	return stoppedNote(as(a.ctx, "cli"), a.err, o.engine)
}

// nextStep is what happens next to an owner.
type nextStep struct {
	text   string
	action string // charge, mail, judge, or empty
	amount *int64
	at     time.Time
	card   billing.CardID
}

// nextOf is what the next judgement will do.
func nextOf(t *billing.ThresholdRow) nextStep {
	d, unit := &t.Decision, t.Owner.Currency
	at := t.Policy.State.JudgeAt
	switch {
	case d.Charge != nil:
		gross := d.Charge.Gross()
		return nextStep{
			text:   "charge " + billing.Money(gross, unit).String() + " to " + d.Charge.Card.Label(),
			action: "charge", amount: &gross, at: at, card: d.Charge.Card.ID,
		}
	case d.Notice != "":
		return nextStep{text: "mail", action: "mail", at: at}
	case !d.NextAt.IsZero():
		return nextStep{text: "look again " + d.NextAt.UTC().Format(time.RFC3339), action: "judge", at: d.NextAt}
	}
	return nextStep{}
}

// openChargeNext is what happens next to an owner whose charge is under way.
func openChargeNext(a *app, o *opened, t *billing.ThresholdRow) (nextStep, error) {
	list, err := o.engine.Charges(as(a.ctx, "cli"), billing.ChargeFilter{Owner: t.Owner.ID, Before: t.OpenCharge + 1, Limit: 1})
	if err != nil || len(list) == 0 || list[0].Charge.ID != t.OpenCharge {
		return nextStep{}, err // it settled meanwhile
	}
	c := &list[0].Charge
	n := nextStep{
		text:   "charge " + billing.Money(c.Gross, c.Unit).String() + " to " + list[0].Card + " is " + string(c.State),
		action: "charge", amount: &c.Gross, at: c.DueAt, card: c.Card,
	}
	if c.State == billing.ChargeCreated && c.Attempt > 1 {
		n.text = fmt.Sprintf("charge %s to %s, try %d at %s", billing.Money(c.Gross, c.Unit), list[0].Card, c.Attempt, c.DueAt.UTC().Format(time.RFC3339))
	}
	return n, nil
}

func thresholdRow(t *billing.ThresholdRow, n nextStep) row {
	d, unit := &t.Decision, t.Owner.Currency
	r := append(row{}, ownerCells(t.Owner.ID)...)
	return append(r,
		textCell("name", t.Owner.Name), moneyCell("available", d.Available, unit, "unlimited"),
		moneyCell("threshold", d.Threshold, unit, "-"), textCell("currency", string(unit)),
		textCell("state", t.State), textCell("next", n.text), textCell("reason", string(d.Reason)),
		textCell("detail", d.Detail), textCell("next_action", n.action), moneyCell("next_amount", n.amount, unit, "-"),
		timeCell("next_at", n.at), idCell("i_debit_credit_card", int64(n.card)), idCell("charge", int64(t.OpenCharge)))
}

// ownerFlag makes an owner of a flag's number; 0 is not given.
func ownerFlag(name string, n int64, id func(int64) billing.OwnerID) (billing.OwnerID, error) {
	if n == 0 {
		return 0, nil
	}
	if n < 1 || n > billing.MaxOwnerNumber {
		return 0, wrong(name, intCell("", n).plain, "a number above 0")
	}
	return id(n), nil
}
