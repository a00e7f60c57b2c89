package cli

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"topupd/billing"
)

// runCmd runs a job once.
type runCmd struct {
	Job    string `arg:"" enum:"low-balance,billing,profiles,recurring" help:"low-balance, billing, profiles or recurring."`
	DryRun bool   `help:"Decide and print, change nothing."`
	AsOf   string `name:"as-of" placeholder:"RFC3339" help:"The run's clock: what is due is judged and recorded by it."`
}

// jobOf finds a job's operation.
func jobOf(e *billing.Engine, name string) func(context.Context, billing.RunParams) (billing.Run, bool, error) {
	switch billing.Job(name) {
	case billing.JobBilling:
		return e.RunBilling
	case billing.JobProfiles:
		return e.RunProfiles
	case billing.JobRecurring:
		return e.RunRecurring
	}
	return e.RunLowBalance
}

// Run decides, works until nothing is due, and prints a summary.
func (c *runCmd) Run(a *app) error {
	ctx := as(a.ctx, "cli")
	if c.AsOf != "" {
		at, err := time.Parse(time.RFC3339, c.AsOf)
		if err != nil {
			return wrong("--as-of", c.AsOf, "a time, such as 2026-12-01T00:05:00Z")
		}
		ctx = billing.AsOf(ctx, at)
	}
	cfg, err := a.config()
	if err != nil {
		return err
	}
	log := a.logger(cfg)
	o, err := a.openWith(cfg, log, opening{create: true, observer: newObserver(log)})
	if err != nil {
		return err
	}
	defer o.close()
	if c.DryRun {
		return c.dryRun(ctx, a, o)
	}
	if err := o.checkKey(ctx); err != nil {
		return err
	}
	show, end := a.progress("owners")
	run, _, err := jobOf(o.engine, c.Job)(ctx, billing.RunParams{Trigger: "command", Progress: show})
	end()
	if err != nil {
		return err
	}
	// What a charge or a mail leads to is worked on too, a receipt for example.
	if err := o.engine.Drain(ctx); err != nil {
		return err
	}
	if run, err = o.engine.RunReport(ctx, run.ID); err != nil {
		return err
	}
	printRun(a.out, &run)
	sandboxNote(a.out, o.engine)
	return stoppedNote(ctx, a.out, o.engine)
}

// stoppedNote says that the global breaker keeps charges from being sent.
func stoppedNote(ctx context.Context, w io.Writer, e *billing.Engine) error {
	stop, err := e.SendingStopped(ctx)
	if err == nil && !stop.At.IsZero() {
		fmt.Fprintf(w, "sending   stopped since %s: %s; `topupd charges resume --all` goes on\n", stop.At.Format(time.RFC3339), stop.Reason)
	}
	return err
}

// printRun prints what a run decided and what became of it.
func printRun(w io.Writer, r *billing.Run) {
	t := &r.Tally
	fmt.Fprintf(w, "run %d %s\n", r.ID, r.Job)
	if !r.AsOf.IsZero() {
		fmt.Fprintf(w, "as of     %s\n", r.AsOf.UTC().Format(time.RFC3339))
	}
	fmt.Fprintf(w, "decided   %d\n", t.Decided)
	fmt.Fprintf(w, "charges   %d\n", t.Charges)
	fmt.Fprintf(w, "charged   %d\n", t.Charged)
	fmt.Fprintf(w, "declined  %d\n", t.Declined)
	fmt.Fprintf(w, "unknown   %d\n", t.Unknown)
	fmt.Fprintf(w, "waiting   %d\n", t.Waiting)
	fmt.Fprintf(w, "posted    %d\n", t.Posted)
	if r.Job == billing.JobProfiles {
		fmt.Fprintf(w, "expected  %d\n", t.Expected)
	}
	fmt.Fprintf(w, "mails     %d\n", t.Mails)
	fmt.Fprintf(w, "failed    %d\n", t.Failed)
	fmt.Fprintf(w, "skipped   %s\n", skippedText(t.Skipped))
}

// skippedText prints how many owners were skipped, by reason.
func skippedText(m map[billing.Reason]int64) string {
	var sum int64
	parts := make([]string, 0, len(m))
	for reason, n := range m {
		sum += n
		parts = append(parts, fmt.Sprintf("%s %d", reason, n))
	}
	slices.Sort(parts)
	if sum == 0 {
		return "0"
	}
	return fmt.Sprintf("%d (%s)", sum, strings.Join(parts, ", "))
}

// sandboxNote says that no money moved, where none does.
func sandboxNote(w io.Writer, e *billing.Engine) {
	if e.Sandboxed() {
		fmt.Fprintln(w, "gateway   sandbox: no money moves")
	}
}

var dryColumns = []string{"i_account", "i_customer", "available", "threshold", "decision", "amount", "card", "reason", "detail"}

// dryRun prints each decision and the totals; nothing is changed.
func (c *runCmd) dryRun(ctx context.Context, a *app, o *opened) error {
	rows := format{Format: "table"}.rows(a.out, dryColumns)
	total := map[billing.Unit]int64{}
	var rowErr error
	run, _, err := jobOf(o.engine, c.Job)(ctx, billing.RunParams{
		Trigger: "command", DryRun: true,
		Each: func(d billing.Decision) {
			if d.Charge != nil {
				total[d.Unit] += d.Charge.Gross()
			}
			if err := rows.row(dryRow(&d)); err != nil && rowErr == nil {
				rowErr = err
			}
		},
	})
	if err == nil {
		err = rowErr
	}
	if err != nil {
		return err
	}
	if err := rows.end(); err != nil {
		return err
	}
	t := &run.Tally
	fmt.Fprintf(a.out, "dry run %s: nothing was changed\n", c.Job)
	fmt.Fprintf(a.out, "decided   %d\n", t.Decided)
	fmt.Fprintf(a.out, "charges   %d%s\n", t.Charges, totals(total))
	fmt.Fprintf(a.out, "posted    %d\n", t.Posted)
	if c.Job == string(billing.JobProfiles) {
		fmt.Fprintf(a.out, "expected  %d\n", t.Expected)
	}
	fmt.Fprintf(a.out, "mails     %d\n", t.Mails)
	fmt.Fprintf(a.out, "skipped   %s\n", skippedText(t.Skipped))
	sandboxNote(a.out, o.engine)
	return nil
}

func dryRow(d *billing.Decision) row {
	what, card := "nothing", ""
	var amount *int64
	switch {
	case d.Charge != nil:
		gross := d.Charge.Gross()
		what, card, amount = "charge", d.Charge.Card.Label(), &gross
	case d.Reason == billing.ReasonExpected:
		what, amount = "expect a payment", &d.Topup.Amount
	case d.Notice != "":
		what = "mail " + string(d.Notice)
	case d.Reason == billing.ReasonPosted:
		what = "post the price"
	}
	r := append(row{}, ownerCells(d.Owner)...)
	return append(r,
		moneyCell("available", d.Available, d.Unit, "unlimited"), moneyCell("threshold", d.Threshold, d.Unit, "-"),
		textCell("decision", what), moneyCell("amount", amount, d.Unit, "-"), textCell("card", card),
		textCell("reason", string(d.Reason)), textCell("detail", d.Detail))
}

// totals prints sums by currency: ", 20.00 USD".
func totals(sums map[billing.Unit]int64) string {
	units := make([]string, 0, len(sums))
	for unit := range sums {
		units = append(units, string(unit))
	}
	slices.Sort(units)
	s := ""
	for _, unit := range units {
		u := billing.Unit(unit)
		s += ", " + decimalText(sums[u], u) + " " + unit
	}
	return s
}
