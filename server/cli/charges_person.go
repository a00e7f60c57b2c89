package cli

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"topupd/billing"
)

// chargesResolveCmd settles a charge by a person's word.
type chargesResolveCmd struct {
	ID          int64  `arg:"" help:"The charge."`
	Captured    bool   `xor:"word" required:"" help:"The gateway captured it: it is credited."`
	NotCaptured bool   `xor:"word" required:"" help:"The gateway did not capture it: the charge ends."`
	Reference   string `required:"" placeholder:"TEXT" help:"What proves it at the gateway; kept."`
	Reason      string `required:"" placeholder:"TEXT" help:"How you know; kept."`
}

// Run credits the charge, or ends it.
func (c *chargesResolveCmd) Run(a *app) error {
	o, err := a.openObserved()
	if err != nil {
		return err
	}
	defer o.close()
	ctx := as(a.ctx, "cli")
	charge, err := o.engine.ResolveCharge(ctx, billing.ResolveParams{
		Charge: billing.ChargeID(c.ID), Captured: c.Captured, Reference: c.Reference, Reason: c.Reason,
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(a.out, "charge %d: %s, %s of %s\n", charge.ID, charge.State, billing.Money(charge.Gross, charge.Unit), charge.Owner)
	return nil
}

// chargesRefundCmd gives money back to a card.
type chargesRefundCmd struct {
	ID     int64  `arg:"" help:"The charge."`
	Amount string `placeholder:"N" help:"A part of it; without it what is left."`
	Reason string `placeholder:"TEXT" help:"Kept with the refund."`
}

// refundPatience is how long the command waits for the gateway's word; what comes
// later is booked by a server, or by the next run.
const refundPatience = 20 * time.Second

// Run makes the refund, sends it, and prints what became of it.
func (c *chargesRefundCmd) Run(a *app) error {
	p := billing.RefundParams{Charge: billing.ChargeID(c.ID), Reason: c.Reason}
	if c.Amount != "" {
		v, err := billing.ParseMicros(c.Amount)
		if err != nil || v <= 0 {
			return wrong("--amount", c.Amount, "an amount above 0, such as 5.00")
		}
		p.Amount = &v
	}
	o, err := a.openObserved()
	if err != nil {
		return err
	}
	defer o.close()
	ctx := as(a.ctx, "cli")
	if err := o.checkKey(ctx); err != nil {
		return err
	}
	f, err := o.engine.RefundCharge(ctx, p)
	if err != nil {
		return err
	}
	wait, cancel := context.WithTimeout(ctx, refundPatience)
	defer cancel()
	if f, err = o.engine.SendRefund(wait, f.ID); err != nil {
		return err
	}
	fmt.Fprintf(a.out, "refund %d of charge %d: %s, %s", f.ID, f.Charge, f.State, billing.Money(f.Amount, f.Unit))
	if f.Code != "" {
		fmt.Fprintf(a.out, " (%s)", f.Code)
	}
	fmt.Fprintln(a.out)
	if f.State == billing.RefundFailed {
		return fmt.Errorf("the gateway refused the refund: %s", f.Message)
	}
	return nil
}

// chargesResumeCmd lets automatic charges go on.
type chargesResumeCmd struct {
	Account  int64  `placeholder:"N" xor:"what" required:"" help:"End this account's suspensions and lift its disputes."`
	Customer int64  `placeholder:"N" xor:"what" required:"" help:"The same for a customer's own policy."`
	All      bool   `xor:"what" required:"" help:"Go on sending after the global breaker stopped it."`
	Card     int64  `placeholder:"N" help:"With an owner: also take back this card of its, whyever it was put aside."`
	Reason   string `required:"" placeholder:"TEXT" help:"Why; kept in the history."`
}

// Run lifts what held an owner, or everything, back.
func (c *chargesResumeCmd) Run(a *app) error {
	o, err := a.openObserved()
	if err != nil {
		return err
	}
	defer o.close()
	ctx := as(a.ctx, "cli")
	if c.All {
		if err := o.engine.ResumeSending(ctx, c.Reason); err != nil {
			return err
		}
		o.log.Warn().Str("reason", c.Reason).Msg("sending of charges goes on")
		fmt.Fprintln(a.out, "sending goes on")
		return nil
	}
	owner, err := ownerFlag("--account", c.Account, billing.Account)
	if err == nil && owner == 0 {
		owner, err = ownerFlag("--customer", c.Customer, billing.Customer)
	}
	if err != nil {
		return err
	}
	if owner == 0 {
		return wrong("--account", strconv.Itoa(0), "a number above 0")
	}
	if err := o.engine.ResumeOwner(ctx, owner, billing.CardID(c.Card), c.Reason); err != nil {
		return err
	}
	fmt.Fprintf(a.out, "%s: automatic charges go on\n", owner)
	return nil
}

// openObserved opens the database for a command that changes charges, which are
// logged and counted like a server's.
func (a *app) openObserved() (*opened, error) {
	cfg, err := a.config()
	if err != nil {
		return nil, err
	}
	log := a.logger(cfg)
	return a.openWith(cfg, log, opening{observer: newObserver(log)})
}
