package billing

import "context"

// TransferParams moves an amount from one owner's bucket to another's of the same unit.
type TransferParams struct {
	From, To OwnerID
	Unit     Unit
	Amount   int64 // millionths, above 0
	// Cost is what the transfer costs, in the same unit, 0 or more; CostBy pays it, who is
	// needed if there is one.
	Cost   int64
	CostBy CostBearer
	Notes  string // kept with the postings
	Extra  string
}

// Transfer books both sides and judges both owners, all in one transaction. The
// originator gives at most what is available; the receiver never ends with less than
// before. Who is blocked by a person, for fraud or for a dispute moves nothing away.
// Errors: NotFound (owner, receiver, bucket), Invalid, WrongCurrency, Conflict, Overflow.
func (e *Engine) Transfer(ctx context.Context, p TransferParams) (t Transfer, err error) {
	if err := p.check(); err != nil {
		return t, err
	}
	err = e.updateOwners(ctx, []OwnerID{p.From, p.To}, func(u *unitOfWork) (err error) {
		t, err = u.transfer(p)
		return err
	})
	return t, err
}

func (p *TransferParams) check() error {
	switch {
	case p.Amount <= 0:
		return Errorf(Invalid, "amount", "the amount is above 0")
	case p.Cost < 0:
		return Errorf(Invalid, "transferCost", "the cost is 0 or more")
	case (p.Cost == 0) != (p.CostBy == CostByNobody):
		return Errorf(Invalid, "costOwner", "who pays is told if, and only if, there is a cost")
	case p.CostBy != CostByNobody && p.CostBy != CostByOriginator && p.CostBy != CostByReceiver:
		return Errorf(Invalid, "costOwner", "originator or receiver")
	case p.CostBy == CostByReceiver && p.Cost > p.Amount:
		return Errorf(Invalid, "transferCost", "the cost is more than the receiver gets")
	case p.From == p.To:
		return Errorf(Invalid, "receiver", "an owner transfers nothing to itself")
	case len(p.Notes) > maxNotes:
		return Errorf(Invalid, "reason", "at most %d characters", maxNotes)
	}
	if _, err := AddMicros(p.Amount, p.Cost); err != nil {
		return err
	}
	return checkExtra(p.Extra)
}

func (u *unitOfWork) transfer(p TransferParams) (Transfer, error) {
	from, to, err := u.bothHoldings(p)
	if err != nil {
		return Transfer{}, err
	}
	t := Transfer{
		From: p.From, Top: from.j.Owner.Top, To: p.To, ToTop: to.j.Owner.Top, Unit: p.Unit, Amount: p.Amount, Cost: p.Cost,
		CostBy: p.CostBy, FromBefore: from.bucket.Balance, ToBefore: to.bucket.Balance, Extra: p.Extra, CreatedAt: u.now, UpdatedAt: u.now,
	}
	if err := u.mayGive(from, t.Taken()); err != nil {
		return t, err
	}
	if t.ID, err = u.balanceAction(ActionTransfer, &from.j.Owner); err != nil {
		return t, err
	}
	if t.Out, t.In, err = u.bookTransfer(&t, p.Notes); err != nil {
		return t, err
	}
	if err := u.tx.CreateTransfer(&t); err != nil {
		return t, err
	}
	if err := u.auditTransfer(&t); err != nil {
		return t, err
	}
	if err := u.emit(EventCreate, &from.j.Owner, ResourceTransfer, int64(t.ID), &t, &to.j.Owner); err != nil {
		return t, err
	}
	if err := u.movedHolding(from, -t.Taken()); err != nil {
		return t, err
	}
	return t, u.movedHolding(to, t.Given())
}

// bothHoldings reads the two in the order of their ids: two transfers to and fro must not
// wait for each other.
func (u *unitOfWork) bothHoldings(p TransferParams) (from, to *holding, err error) {
	if err := checkWhole(p.Unit, p.Amount); err != nil {
		return nil, nil, err
	}
	if err := checkWhole(p.Unit, p.Cost); err != nil {
		return nil, nil, err
	}
	readFrom := func() error {
		from, err = u.holding(p.From, p.Unit)
		return err
	}
	readTo := func() error {
		if to, err = u.holding(p.To, p.Unit); ErrorCode(err) == NotFound && err != nil {
			err = Errorf(NotFound, "receiver", "the receiver has no such bucket in your scope")
		}
		return err
	}
	first, second := readFrom, readTo
	if p.To < p.From {
		first, second = readTo, readFrom
	}
	if err := first(); err != nil {
		return nil, nil, err
	}
	return from, to, second()
}

// mayGive refuses what is beyond available, and what a block keeps where it is.
func (u *unitOfWork) mayGive(h *holding, micros int64) error {
	s, err := u.e.standing(u.tx, &h.j.Owner, u.now)
	if err != nil {
		return err
	}
	if b := (s.Blocked | s.Above) &^ BlockBilling; b != 0 {
		return Errorf(Conflict, h.j.Owner.ID.Field(), "%s is blocked (%s)", h.j.Owner.ID, b)
	}
	return h.covers(micros)
}

// bookTransfer posts the two sides, each in its own top-level customer's part of the
// ledger, against the account that both sum to zero in.
func (u *unitOfWork) bookTransfer(t *Transfer, notes string) (out, in PostingID, err error) {
	side := func(word string, top, owner OwnerID, amount, cost int64) (PostingID, error) {
		p := Posting{
			Top: top, Kind: PostTransfer, Cause: causeOf(word, int64(t.ID)), Notes: notes, Actor: u.actor.Name(),
			BookedAt: u.real, EffectiveAt: u.now,
			Entries: []Entry{
				{Owner: owner, Unit: t.Unit, Micros: amount},
				{Account: AccountTransfer, Unit: t.Unit, Micros: -amount},
			},
		}
		if cost != 0 {
			p.Entries = append(p.Entries, Entry{Owner: owner, Unit: t.Unit, Micros: -cost}, Entry{Account: AccountRevenue, Unit: t.Unit, Micros: cost})
		}
		err := u.post(&p)
		return p.ID, err
	}
	if out, err = side("transfer_out", t.Top, t.From, -t.Amount, t.Taken()-t.Amount); err != nil {
		return 0, 0, err
	}
	in, err = side("transfer_in", t.ToTop, t.To, t.Amount, t.Amount-t.Given())
	return out, in, err
}

// auditTransfer writes a row for each side, which may be different top-level customers'.
func (u *unitOfWork) auditTransfer(t *Transfer) error {
	fromAfter, toAfter := t.FromBefore-t.Taken(), t.ToBefore+t.Given()
	i := newAudit().money("balance", &t.FromBefore, &fromAfter).set("unit", string(t.Unit)).count("transfer", int64(t.ID)).
		set("to", auditOwner("accounts", t.To))
	if err := u.audit(AuditFunds, t.Top, auditOwner("transfer", t.From), i); err != nil {
		return err
	}
	i = newAudit().money("balance", &t.ToBefore, &toAfter).set("unit", string(t.Unit)).count("transfer", int64(t.ID)).
		set("from", auditOwner("accounts", t.From))
	return u.audit(AuditFunds, t.ToTop, auditOwner("receive", t.To), i)
}

// Transfers lists those whose two owners are in the actor's scope, at least one of them
// not deleted, by id. Errors:
// NotFound for an owner out of scope.
func (e *Engine) Transfers(ctx context.Context, f ActionFilter) ([]Transfer, error) {
	return listActions(e, ctx, f, Reader.Transfers)
}

// transferOf is one transfer: it is not told to who sees one of its owners only: it names the other.
// It stays while one of them does: that one's balance came about by it.
func transferOf(ctx context.Context, r Reader, id ActionID) (Transfer, error) {
	t, err := r.Transfer(id)
	if err != nil {
		return t, unknownAction(id, err)
	}
	from, err := r.Owner(t.From)
	if err != nil {
		return t, err
	}
	to, err := r.Owner(t.To)
	if err != nil {
		return t, err
	}
	a, there := ActorFrom(ctx), from.DeletedAt.IsZero() || to.DeletedAt.IsZero()
	if !there || !a.reaches(&from) || !a.reaches(&to) {
		return Transfer{}, unknownAction(id, NotFound)
	}
	return t, nil
}

// TransferByID is one of them. Errors: NotFound.
func (e *Engine) TransferByID(ctx context.Context, id ActionID) (t Transfer, err error) {
	err = e.view(ctx, func(r Reader) (err error) {
		t, err = transferOf(ctx, r, id)
		return err
	})
	return t, err
}

// DescribeTransfer changes what is kept beside a transfer. Errors: NotFound, Invalid.
func (e *Engine) DescribeTransfer(ctx context.Context, id ActionID, extra Merge) (t Transfer, err error) {
	err = e.update(ctx, func(u *unitOfWork) (err error) {
		if t, err = transferOf(u.context(), u.tx, id); err != nil {
			return err
		}
		if changed, err := extra.changes(&t.Extra); err != nil || !changed {
			return err
		}
		t.UpdatedAt = u.now
		if err := u.tx.SetTransfer(&t); err != nil {
			return err
		}
		return u.described("transfers", ResourceTransfer, t.From, t.ID, &t, t.To)
	})
	return t, err
}
