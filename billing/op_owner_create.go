package billing

import (
	"context"
	"slices"
	"unicode/utf8"
)

// CreateOwnerParams makes a customer or an account over an interface.
type CreateOwnerParams struct {
	Kind OwnerKind
	// Parent is the customer above it; zero is the acting customer.
	Parent OwnerID
	// Terms are its members; Owner and Parent are left out. A missing currency is
	// its plan's, or that of the customer above.
	Terms OwnerLine
	// APIAccess false keeps its login out.
	APIAccess Change[bool]
}

// CreateOwner makes an owner under the next number, with its login, its plan and
// an adjustment of its first balance. Errors: Missing, Invalid, NotFound, Exists,
// WrongCurrency, Overflow.
func (e *Engine) CreateOwner(ctx context.Context, p CreateOwnerParams) (id OwnerID, err error) {
	err = e.update(ctx, func(u *unitOfWork) (err error) {
		id, err = u.createOwner(p)
		return err
	})
	return id, err
}

func (u *unitOfWork) createOwner(p CreateOwnerParams) (OwnerID, error) {
	above := p.Parent
	if above == 0 {
		above = u.actor.Customer
	}
	parent, err := u.owner(above)
	if err == nil && above.IsAccount() {
		err = NotFound
	}
	if err != nil {
		return 0, wrongOwner(above, err)
	}
	l := p.Terms
	if l.Owner, err = u.nextOwner(p.Kind); err != nil {
		return 0, err
	}
	if !l.Currency.Given {
		if l.Currency, err = u.currencyFor(&parent, l.Plan); err != nil {
			return 0, err
		}
	}
	o := Owner{ID: l.Owner, CreditLimit: new(int64), CreatedAt: u.now, UpdatedAt: u.now}
	if o.ID.IsAccount() {
		o.BalanceGroup = o.ID.Number()
	}
	place(&o, &parent)
	if err := u.checkNamed(&o, l, true); err != nil {
		return 0, err
	}
	if err := ownerMembers(&o, l, true); err != nil {
		return 0, err
	}
	if err := u.tx.PutOwner(&o); err != nil {
		return 0, err
	}
	if l.Balance.Given {
		first, err := l.Balance.required("balance")
		if err != nil {
			return 0, err
		}
		if err := u.firstBalance(&o, &parent, first); err != nil {
			return 0, err
		}
	}
	if err := u.loginAndPlan(&o, l, p.APIAccess); err != nil {
		return 0, err
	}
	plan, err := u.planOf(o.ID)
	if err != nil {
		return 0, err
	}
	return o.ID, u.auditOwnerChange(AuditAdd, &Owner{}, &o, 0, plan)
}

// firstBalance books what a new owner starts with: for a customer out of the
// balance of the customer that makes it, as customerAddFunds does, root's
// excepted; for an account as an adjustment, as accountCredit does.
func (u *unitOfWork) firstBalance(o, parent *Owner, first int64) error {
	cause, notes := "create:"+newCause(), "first balance"
	switch {
	case first == 0:
		return nil
	case o.ID.IsAccount() || u.actor.IsRoot():
		return u.adjust(o, first, cause, notes)
	case o.Currency != parent.Currency:
		return Errorf(WrongCurrency, "currency", "%s is kept in %s", parent.ID, parent.Currency)
	}
	err := u.post(&Posting{
		Top: o.Top, Kind: PostAdjustment, Cause: cause, Notes: notes,
		Actor: u.actor.Name(), BookedAt: u.real, EffectiveAt: u.now,
		Entries: []Entry{
			{Owner: o.ID, Unit: o.Currency, Micros: first},
			{Owner: parent.ID, Unit: o.Currency, Micros: -first},
		},
	})
	if err != nil {
		return err
	}
	j, err := judgedOf(u.tx, parent.ID)
	if err != nil {
		return err
	}
	j.Bucket.Balance += first // moved books it off again
	return u.moved(&j, -first)
}

// nextOwner is the number above the highest that was ever used, so that none
// comes back.
func (u *unitOfWork) nextOwner(kind OwnerKind) (OwnerID, error) {
	n, err := u.tx.MaxOwnerNumber(kind)
	switch {
	case err != nil:
		return 0, err
	case n >= MaxOwnerNumber:
		return 0, Errorf(Conflict, "", "no number is left")
	case kind == KindAccount:
		return Account(n + 1), nil
	}
	return Customer(n + 1), nil
}

func (u *unitOfWork) currencyFor(parent *Owner, plan Change[int64]) (Change[string], error) {
	if plan.Value == nil {
		return To(string(parent.Currency)), nil
	}
	p, err := u.plan(PlanID(*plan.Value), true)
	return To(string(p.Currency)), err
}

// maxName bounds a name, in characters.
const maxName = 255

// checkNamed holds what is asked of owners that are made or changed over an
// interface, and not of imported ones: names that can be looked up, and a limit
// that is none below zero.
func (u *unitOfWork) checkNamed(o *Owner, l OwnerLine, isNew bool) error {
	field, name, need := "name", l.Name, !o.ID.IsAccount()
	if o.ID.IsAccount() {
		field, name, need = "username", l.Username, true
	}
	for _, c := range []struct {
		field string
		text  Change[string]
	}{{nameField(o), l.Name}, {"username", l.Username}, {"email", l.Email}} {
		if c.text.Value != nil && utf8.RuneCountInString(*c.text.Value) > maxName {
			return Errorf(Invalid, c.field, "at most %d characters", maxName)
		}
	}
	if l.CreditLimit.Value != nil && *l.CreditLimit.Value < 0 {
		return Errorf(Invalid, "credit_limit", "credit_limit is 0 or more, or null")
	}
	switch {
	case isNew && need && !name.Given:
		return Errorf(Missing, field, "%s is required", field)
	case !name.Given:
		return nil
	case name.Value == nil || *name.Value == "":
		return Errorf(Invalid, field, "%s is not empty", field)
	case o.ID.IsAccount():
		return nil // the store holds usernames apart
	}
	// Imports may have brought the same name twice, so the store cannot.
	same, err := u.tx.CustomersNamed(*name.Value)
	if err == nil && slices.ContainsFunc(same, func(s Owner) bool { return s.Parent == o.Parent && s.ID != o.ID }) {
		err = Errorf(Exists, "name", "there is another customer of that name")
	}
	return err
}

// nameField is the member that names an owner: an account's name is its description.
func nameField(o *Owner) string {
	if o.ID.IsAccount() {
		return "description"
	}
	return "name"
}

// loginAndPlan is what an owner has beside its row: a customer's login, an
// account's place in a plan.
func (u *unitOfWork) loginAndPlan(o *Owner, l OwnerLine, access Change[bool]) error {
	if o.ID.IsAccount() {
		return u.accountPlan(o, l)
	}
	if !l.Login.Given && !l.Password.Given && !access.Given {
		return nil
	}
	return u.webLogin(o, l, access)
}
