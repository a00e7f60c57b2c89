package billing

import (
	"bytes"
	"context"
	"errors"
	"strconv"
)

// NewTopupRule asks for a recurring top-up.
type NewTopupRule struct {
	Period TopupPeriod
	// Periods counts the executions, the first included; nil is no end.
	Periods *int64
}

// CreateBalanceTopupParams tops up an account's money, by its card or a voucher, because a person
// says so.
type CreateBalanceTopupParams struct {
	// Owner is the account, Group its balance group: one of them, or both of one account.
	Owner OwnerID
	Group int64
	// Bucket is the currency of the named bucket; empty where the whole group is meant.
	Bucket Unit
	// Amount is what is credited, in millionths: above 0 and whole minor units.
	Amount   int64
	Currency Unit // must be the owner's
	// Card is the owner's own; nil is its primary one, of a rule the one that is it by then.
	Card *CardID
	// Service is one of the owner's, or 0.
	Service ServiceID
	// Voucher is redeemed instead of a card; it is worth Amount. Empty is none.
	Voucher Secret
	// Rule makes it the first execution of a rule; nil is once.
	Rule *NewTopupRule
	// Extra is what the interface keeps with it.
	Extra string
	// Key makes the same request again a repeat, as in Once; empty is none. Input is a hash
	// of the request.
	Key   string
	Input [32]byte
}

// MadeBalanceTopup is what is known of a top-up when the wait is over.
type MadeBalanceTopup struct {
	BalanceTopupView
	// Repeated: it was made before by the key.
	Repeated bool
}

// CreateBalanceTopup charges the card and waits for the first definite outcome, no longer
// than Settings.PaymentWait and the context; or redeems the voucher. A decline is a
// failed top-up, not an error; a wait that was too short leaves it created: the charge
// goes on by itself, and so does an outcome that cannot be read. With a rule it is the first execution, and the others follow by
// RunRecurring, which the call consents to. Errors: Missing, Invalid, NotFound with the
// member's name, WrongCurrency, KeyReused, Conflict where the card network allows no
// further try.
func (e *Engine) CreateBalanceTopup(ctx context.Context, p CreateBalanceTopupParams) (MadeBalanceTopup, error) {
	if err := p.check(); err != nil {
		return MadeBalanceTopup{}, err
	}
	if p.Voucher != "" && e.joined(ctx) != nil {
		// A refusal would undo the count of wrong codes.
		return MadeBalanceTopup{}, Errorf(Internal, "voucher", "vouchers are redeemed in a transaction of their own")
	}
	var m madeTopup
	var refused error // what was counted of a wrong voucher is kept
	owners := []OwnerID{p.Owner}
	if p.Key != "" {
		owners = nil // a key is a customer's, not the owner's
	}
	err := e.updateRun(ctx, 0, owners, func(u *unitOfWork) (err error) {
		refused = nil
		m, err = u.createTopup(&p)
		if errors.Is(err, errWrongVoucher) {
			refused, err = err, nil
			return nil
		}
		if err == nil {
			m.view, err = (&topupViewer{r: u.tx}).view(m.topup)
		}
		return err
	})
	if err == nil {
		err = refused
	}
	if err != nil {
		return MadeBalanceTopup{}, err
	}
	made := MadeBalanceTopup{m.view, m.repeated}
	if e.joined(ctx) != nil { // nothing happens to it before the commit
		return made, nil
	}
	if m.topup.State == TopupCreated && m.topup.Charge != 0 {
		e.awaitPayment(ctx, m.charge)
	}
	now, err := e.madeBalanceTopup(ctx, m.topup.ID)
	if err != nil {
		// It is committed and may be charged: an error would have the caller do it again.
		if ctx.Err() == nil {
			e.observer.Failed("a top-up could not be read again", err)
		}
		return made, nil
	}
	made.BalanceTopupView = now
	return made, nil
}

// madeBalanceTopup is a top-up for the answer to who made it, also one that was deleted since.
func (e *Engine) madeBalanceTopup(ctx context.Context, id TopupID) (v BalanceTopupView, err error) {
	err = e.view(ctx, func(r Reader) error {
		t, err := r.BalanceTopup(id)
		if err == nil {
			v, err = (&topupViewer{r: r}).view(t)
		}
		return err
	})
	return v, err
}

type madeTopup struct {
	topup    BalanceTopup
	charge   Charge
	repeated bool
	view     BalanceTopupView // as the transaction leaves it
}

func (p *CreateBalanceTopupParams) check() error {
	switch {
	case p.Owner == 0 && p.Group == 0:
		return Errorf(Missing, "bucket", "bucket or partyAccount is needed")
	case p.Owner != 0 && !p.Owner.IsAccount():
		return Errorf(NotFound, "partyAccount", "there is no such account")
	case p.Amount <= 0 || p.Amount > MaxCharge:
		return Errorf(Invalid, "amount", "amount is above 0 and at most %s", FormatMicros(MaxCharge))
	case len(p.Extra) > MaxExtra:
		return Errorf(Invalid, "extra", "at most %d bytes", MaxExtra)
	case p.Voucher != "" && p.Rule != nil:
		return Errorf(Invalid, "voucher", "a voucher is redeemed once, not every period")
	case p.Voucher != "" && p.Card != nil:
		return Errorf(Invalid, "voucher", "a voucher needs no payment method")
	}
	if p.Key != "" {
		if err := checkKey(p.Key); err != nil {
			return err
		}
	}
	if r := p.Rule; r != nil {
		if _, err := ParseTopupPeriod(string(r.Period)); err != nil {
			return Errorf(Invalid, "recurringPeriod", "recurringPeriod is daily, weekly, fortnightly or monthly")
		}
		if r.Periods != nil && (*r.Periods < 1 || *r.Periods > maxPeriods) {
			return Errorf(Invalid, "numberOfPeriods", "numberOfPeriods is 1 to %d", maxPeriods)
		}
	}
	return nil
}

// maxPeriods bounds the executions of a rule that ends: more than two thousand years of days.
const maxPeriods = 1_000_000

func (u *unitOfWork) createTopup(p *CreateBalanceTopupParams) (m madeTopup, err error) {
	if p.Key != "" {
		if m, err = u.topupByKey(p); m.repeated || err != nil {
			return m, err
		}
	}
	j, err := u.toppedUp(p)
	if err != nil {
		return m, err
	}
	if p.Voucher != "" {
		m.topup, err = u.topupByVoucher(&j, p)
	} else {
		m, err = u.topupByCard(&j, p)
	}
	if err != nil {
		return m, err
	}
	if err := u.auditTopup(&m.topup, p.Rule); err != nil {
		return m, err
	}
	if err := u.topupEvent(EventCreate, &m.topup); err != nil {
		return m, err
	}
	return m, u.keepTopupKey(p, m.topup.ID)
}

// toppedUp is the account that the request names, in the actor's scope.
func (u *unitOfWork) toppedUp(p *CreateBalanceTopupParams) (j Judged, err error) {
	id := p.Owner
	if p.Group != 0 {
		o, err := u.tx.AccountByGroup(p.Group)
		if err == nil && !u.actor.Sees(&o) {
			err = NotFound
		}
		switch {
		case errors.Is(err, NotFound):
			return j, Errorf(NotFound, "bucket", "there is no such bucket")
		case err != nil:
			return j, err
		case id != 0 && id != o.ID:
			return j, Errorf(Invalid, "bucket", "bucket and partyAccount are not of one account")
		}
		id = o.ID
	}
	if j, err = u.judged(id); err != nil {
		if errors.Is(err, NotFound) {
			err = Errorf(NotFound, "partyAccount", "there is no such account")
		}
		return j, err
	}
	o := &j.Owner
	cur, isCurrency := LookupCurrency(string(p.Currency))
	switch {
	case !isCurrency:
		return j, Errorf(Invalid, "amount.units", "amount.units is the code of a currency")
	case p.Currency != o.Currency:
		return j, Errorf(WrongCurrency, "amount.units", "%s is kept in %s", o.ID, o.Currency)
	case p.Bucket != "" && p.Bucket != o.Currency:
		return j, Errorf(NotFound, "bucket", "there is no such bucket")
	case !cur.Whole(p.Amount):
		return j, Errorf(Invalid, "amount", "amount has at most %d decimals in %s", cur.Digits, p.Currency)
	}
	if err := o.takesPayment(p.Amount); err != nil {
		return j, err
	}
	if p.Service == 0 {
		return j, nil
	}
	s, err := u.tx.Service(p.Service)
	if errors.Is(err, NotFound) || err == nil && s.Owner != o.ID {
		return j, Errorf(NotFound, "product", "the account has no such product")
	}
	return j, err
}

func (u *unitOfWork) newTopup(j *Judged, amount int64) (BalanceTopup, error) {
	action := BalanceAction{Kind: ActionTopup, Owner: j.Owner.ID, Top: j.Owner.Top, CreatedAt: u.now}
	err := u.tx.AddBalanceAction(&action)
	return BalanceTopup{
		ID: TopupID(action.ID), Owner: j.Owner.ID, Top: j.Owner.Top, Unit: j.Owner.Currency, Amount: amount,
		State: TopupCreated, CreatedAt: u.now,
	}, err
}

func topupCause(id TopupID) string { return causeOf("topup", int64(id)) }

func (u *unitOfWork) topupByCard(j *Judged, p *CreateBalanceTopupParams) (m madeTopup, err error) {
	card, err := u.cardToPay(j, p.Card)
	if err != nil {
		return m, err
	}
	t, err := u.newTopup(j, p.Amount)
	if err != nil {
		return m, err
	}
	by := PaidBy{Customer: u.actor.Customer, Login: u.actor.Name(), Address: u.actor.Address, Payer: u.actor.Address}
	c, _, err := u.chargeByHand(j, p.Amount, card, topupCause(t.ID), by)
	if err != nil {
		return m, err
	}
	t.Charge, t.Extra = c.ID, p.Extra
	if p.Rule != nil {
		if err := u.newRule(j, &t, p); err != nil {
			return m, err
		}
	}
	return madeTopup{topup: t, charge: c}, u.tx.CreateBalanceTopup(&t)
}

// newRule makes the rule of a first execution, with the consent to the others.
func (u *unitOfWork) newRule(j *Judged, t *BalanceTopup, p *CreateBalanceTopupParams) error {
	r := TopupRule{
		ID: t.ID, Owner: t.Owner, Top: t.Top, Unit: t.Unit, Amount: t.Amount, Card: p.Card, Period: p.Rule.Period, Periods: p.Rule.Periods,
		Anchor: u.now, State: RuleActive, CreatedAt: u.now, UpdatedAt: u.now,
	}
	r.plan(1, u.e.zone(j.Owner.TimeZone))
	t.Rule = r.ID
	if err := u.tx.CreateTopupRule(&r); err != nil {
		return err
	}
	return u.recurringMandate(&r, mandateRequested)
}

// mandateRequested is the text of a consent that the request itself asserts.
const mandateRequested = "recurring-topup-1"

func (u *unitOfWork) recurringMandate(r *TopupRule, text string) error {
	return u.tx.PutMandate(&Mandate{
		Owner: r.Owner, Top: r.Top, Purpose: PurposeRecurring, Text: text, Amount: r.Amount, At: u.now,
		Actor: u.actor.Name(), Address: u.actor.Address,
	})
}

func (u *unitOfWork) topupByVoucher(j *Judged, p *CreateBalanceTopupParams) (t BalanceTopup, err error) {
	before := j.Bucket.Balance
	done, err := u.rechargeOnce(j, RechargeParams{Account: j.Owner.ID, Code: p.Voucher, worth: p.Amount})
	if err != nil {
		if errors.Is(err, errWrongVoucher) {
			return t, err
		}
		return t, asVoucher(err)
	}
	if t, err = u.newTopup(j, p.Amount); err != nil {
		return t, err
	}
	t.Voucher, t.Extra = hintOf(p.Voucher), p.Extra
	t.credited(done.Posting, before, u.now)
	return t, u.tx.CreateBalanceTopup(&t)
}

// asVoucher names the member that brought a voucher of another currency.
func asVoucher(err error) error {
	if errors.Is(err, WrongCurrency) {
		return Errorf(WrongCurrency, "voucher", "the voucher is of another currency")
	}
	return err
}

func (u *unitOfWork) auditTopup(t *BalanceTopup, r *NewTopupRule) error {
	i := newAudit().set("amount", Money(t.Amount, t.Unit).String()).count("charge", int64(t.Charge))
	if r != nil {
		i.set("period", string(r.Period))
		if r.Periods != nil {
			i.count("periods", *r.Periods)
		}
	}
	return u.audit(AuditAdd, t.Top, auditKey("topups", "id", int64(t.ID)), i.set(t.Owner.Field(), strconv.FormatInt(t.Owner.Number(), 10)))
}

// topupByKey finds what a key made before. Errors: KeyReused.
func (u *unitOfWork) topupByKey(p *CreateBalanceTopupParams) (m madeTopup, err error) {
	kept, err := u.tx.KeptAnswer(u.actor.Customer, p.Key)
	switch {
	case errors.Is(err, NotFound):
		return m, nil
	case err != nil:
		return m, err
	case u.e.set.AnswerDays > 0 && kept.CreatedAt.Before(u.e.answersBefore(u.real)):
		return m, u.tx.DropAnswer(u.actor.Customer, p.Key)
	case !bytes.Equal(kept.Input, p.Input[:]):
		return m, Errorf(KeyReused, "Idempotency-Key", "this Idempotency-Key was used for another request")
	}
	id, err := strconv.ParseInt(string(kept.Answer.Body), 10, 64)
	if err != nil {
		return m, err
	}
	if m.topup, err = u.tx.BalanceTopup(TopupID(id)); err != nil {
		return m, err
	}
	m.repeated = true
	if m.topup.Charge != 0 {
		m.charge, err = u.tx.Charge(m.topup.Charge)
	}
	return m, err
}

// keepTopupKey keeps which top-up a key made, where other requests' answers are kept: a key
// names one request whatever it asks for.
func (u *unitOfWork) keepTopupKey(p *CreateBalanceTopupParams, id TopupID) error {
	if p.Key == "" {
		return nil
	}
	customer, err := u.owner(u.actor.Customer)
	if err != nil {
		return wrongOwner(u.actor.Customer, err)
	}
	return u.tx.KeepAnswer(&KeptAnswer{
		Top: customer.Top, Customer: customer.ID, Key: p.Key, Input: p.Input[:], CreatedAt: u.real,
		Answer: Answer{Status: 201, ContentType: "application/json", Body: strconv.AppendInt(nil, int64(id), 10)},
	})
}
