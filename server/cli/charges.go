package cli

import (
	"slices"
	"strconv"
	"strings"

	"topupd/billing"
)

// chargesCmd prints the history of charges.
type chargesCmd struct {
	List chargesListCmd `cmd:"" default:"withargs" help:"Charges, newest first."`
	Why  chargesWhyCmd  `cmd:"" help:"Every kept decision about an owner, newest first."`

	Mandates chargesMandatesCmd `cmd:"" help:"Who consented to automatic charges of an owner's cards, and when."`

	Resolve chargesResolveCmd `cmd:"" help:"Say what became of a charge whose outcome nobody knows."`
	Refund  chargesRefundCmd  `cmd:"" help:"Give money of a charge back to its card."`
	Resume  chargesResumeCmd  `cmd:"" help:"Let automatic charges go on."`
}

type chargesListCmd struct {
	Owner    string `placeholder:"OWNER" help:"Only this owner: account:N or customer:N."`
	Account  int64  `placeholder:"N" help:"Only this account."`
	Customer int64  `placeholder:"N" help:"Only this customer and all below it."`
	State    string `placeholder:"STATE" help:"created, submitted, unknown, unresolved, succeeded, failed, cancelled."`
	RunID    int64  `name:"run" placeholder:"ID" help:"Only those that this run made."`
	Limit    int    `placeholder:"N" default:"100" help:"At most so many; 0 is all."`
	format   `embed:""`
}

var chargeColumns = []string{
	"charge", "i_account", "i_customer", "purpose", "state", "amount", "credit", "tax", "fee", "currency",
	"i_debit_credit_card", "card", "attempts", "outcome", "code", "period", "run", "created", "settled", "refunded", "reason",
}

var chargeWide = []string{"credit", "tax", "fee", "currency", "i_debit_credit_card"}

var chargeStates = []string{
	string(billing.ChargeCreated), string(billing.ChargeSubmitted), string(billing.ChargeUnknown), string(billing.ChargeUnresolved),
	string(billing.ChargeSucceeded), string(billing.ChargeFailed), string(billing.ChargeCancelled),
}

// chargePage is how many charges are read at once.
const chargePage = 500

// Run prints one row for each charge.
func (c *chargesListCmd) Run(a *app) error {
	f, err := c.filter()
	if err != nil {
		return err
	}
	o, err := a.open(opening{})
	if err != nil {
		return err
	}
	defer o.close()
	rows := c.rows(a.out, chargeColumns, chargeWide...)
	for left := c.Limit; ; {
		f.Limit = chargePage
		if c.Limit > 0 {
			f.Limit = min(left, chargePage)
		}
		list, err := o.engine.Charges(as(a.ctx, "cli"), f)
		if err != nil {
			return err
		}
		for i := range list {
			if err := rows.row(chargeRow(&list[i])); err != nil {
				return err
			}
			f.Before = list[i].Charge.ID
		}
		left -= len(list)
		if len(list) < f.Limit || c.Limit > 0 && left == 0 {
			if err := rows.end(); err != nil {
				return err
			}
			return stoppedNote(as(a.ctx, "cli"), a.err, o.engine)
		}
	}
}

func (c *chargesListCmd) filter() (f billing.ChargeFilter, err error) {
	if c.State != "" && !slices.Contains(chargeStates, c.State) {
		return f, wrong("--state", c.State, strings.Join(chargeStates, ", "))
	}
	if c.Limit < 0 {
		return f, wrong("--limit", strconv.Itoa(c.Limit), "a number of 0 or more")
	}
	f = billing.ChargeFilter{State: billing.ChargeState(c.State), Run: billing.RunID(c.RunID)}
	if f.Owner, err = ownerFlag("--account", c.Account, billing.Account); err != nil {
		return f, err
	}
	if f.Within, err = ownerFlag("--customer", c.Customer, billing.Customer); err != nil {
		return f, err
	}
	if c.Owner != "" {
		if f.Owner, err = parseOwner(c.Owner); err != nil {
			return f, err
		}
	}
	return f, nil
}

// parseOwner reads "account:100" or "customer:10".
func parseOwner(text string) (billing.OwnerID, error) {
	kind, number, _ := strings.Cut(text, ":")
	n, err := strconv.ParseInt(number, 10, 64)
	if err == nil && n > 0 && n <= billing.MaxOwnerNumber {
		switch kind {
		case "account", "i_account":
			return billing.Account(n), nil
		case "customer", "i_customer":
			return billing.Customer(n), nil
		}
	}
	return 0, wrong("--owner", text, "account:N or customer:N")
}

func chargeRow(r *billing.ChargeRow) row {
	c := &r.Charge
	code, outcome := "", ""
	if n := len(r.Attempts); n > 0 {
		code, outcome = r.Attempts[n-1].Code, string(r.Attempts[n-1].State)
	}
	out := append(row{intCell("charge", int64(c.ID))}, ownerCells(c.Owner)...)
	return append(out,
		textCell("purpose", string(c.Purpose)), textCell("state", string(c.State)),
		moneyCell("amount", &c.Gross, c.Unit, ""), moneyCell("credit", &c.Credit, c.Unit, ""),
		moneyCell("tax", &c.Tax, c.Unit, ""), moneyCell("fee", &c.Fee, c.Unit, ""), textCell("currency", string(c.Unit)),
		idCell("i_debit_credit_card", int64(c.Card)), textCell("card", r.Card), intCell("attempts", int64(len(r.Attempts))),
		textCell("outcome", outcome), textCell("code", code), textCell("period", c.Period), idCell("run", int64(c.Run)),
		timeCell("created", c.CreatedAt), timeCell("settled", c.SettledAt),
		moneyCell("refunded", refundedOf(r), c.Unit, ""), textCell("reason", c.Reason))
}

// refundedOf is what went back of a charge, nil for nothing.
func refundedOf(r *billing.ChargeRow) *int64 {
	if r.GivenBack == 0 {
		return nil
	}
	return &r.GivenBack
}

// chargesWhyCmd prints decisions.
type chargesWhyCmd struct {
	Account  int64 `placeholder:"N" xor:"owner" required:"" help:"About this account."`
	Customer int64 `placeholder:"N" xor:"owner" required:"" help:"About this customer."`
	Limit    int   `placeholder:"N" default:"100" help:"At most so many; 0 is all."`
	format   `embed:""`
}

var whyColumns = []string{
	"at", "trigger", "purpose", "reason", "detail", "available", "threshold", "currency", "low", "charge", "notice", "run", "actor",
}

// Run prints one row for each kept decision.
func (c *chargesWhyCmd) Run(a *app) error {
	owner, err := ownerFlag("--account", c.Account, billing.Account)
	if err == nil && owner == 0 {
		owner, err = ownerFlag("--customer", c.Customer, billing.Customer)
	}
	if err != nil {
		return err
	}
	if owner == 0 {
		return wrong("--account", "0", "a number above 0")
	}
	if c.Limit < 0 {
		return wrong("--limit", strconv.Itoa(c.Limit), "a number of 0 or more")
	}
	o, err := a.open(opening{})
	if err != nil {
		return err
	}
	defer o.close()
	rows := c.rows(a.out, whyColumns, "currency")
	var before int64
	for left := c.Limit; ; {
		limit := chargePage
		if c.Limit > 0 {
			limit = min(left, chargePage)
		}
		list, err := o.engine.Why(as(a.ctx, "cli"), owner, before, limit)
		if err != nil {
			return err
		}
		for i := range list {
			if err := rows.row(whyRow(&list[i])); err != nil {
				return err
			}
			before = list[i].ID
		}
		left -= len(list)
		if len(list) < limit || c.Limit > 0 && left == 0 {
			return rows.end()
		}
	}
}

func whyRow(d *billing.Decision) row {
	unlimited := "unlimited"
	if d.Reason.Outcome() {
		unlimited = "-"
	}
	return row{
		timeCell("at", d.At), textCell("trigger", string(d.Trigger)), textCell("purpose", string(d.Purpose)),
		textCell("reason", string(d.Reason)), textCell("detail", d.Detail),
		moneyCell("available", d.Available, d.Unit, unlimited), moneyCell("threshold", d.Threshold, d.Unit, "-"),
		textCell("currency", string(d.Unit)), flagCell("low", d.Low), idCell("charge", int64(d.Made)),
		textCell("notice", string(d.Notice)), idCell("run", int64(d.Run)), textCell("actor", d.Actor),
	}
}

func flagCell(column string, v bool) cell {
	s := strconv.FormatBool(v)
	return cell{column: column, text: s, plain: s, value: v}
}
