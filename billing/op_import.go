package billing

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"net/mail"
	"strings"
	"time"
)

// Importer puts the lines of one import into one transaction. A line for
// something that exists changes the members it gives; nothing is charged and
// nobody is mailed: the next judgement does that. Its errors are NotFound for a
// reference that is not there (yet), Invalid, Exists, WrongCurrency.
type Importer struct {
	u    *unitOfWork
	hold bool
	// Seq makes a cause for each adjustment of this import.
	seq  int64
	name string
	done imported
}

// Import runs fn, which puts all lines, in one transaction: all or nothing. fn
// may run more than once. With hold the imported owners are kept from all
// automatic charges and mails until Golive.
func (e *Engine) Import(ctx context.Context, hold bool, fn func(*Importer) error) error {
	return e.update(ctx, func(u *unitOfWork) error {
		if !u.actor.IsRoot() {
			return Errorf(Forbidden, "", "import needs a root login")
		}
		im := &Importer{u: u, hold: hold, name: newCause()}
		if err := fn(im); err != nil {
			return err
		}
		return im.audit()
	})
}

// imported counts the lines that were put.
type imported struct{ plans, customers, accounts, cards, policies, vouchers, objects int64 }

// audit writes one row for the whole import.
func (im *Importer) audit() error {
	n := &im.done
	i := newAudit().count("plans", n.plans).count("customers", n.customers).count("accounts", n.accounts).
		count("cards", n.cards).count("low_balance", n.policies).count("vouchers", n.vouchers).count("objects", n.objects)
	if i.empty() {
		return nil
	}
	return im.u.audit(AuditImport, Root, "import:id="+im.name, i.set("hold", flagText(im.hold)))
}

// counted counts a line unless it was refused: one that was is often put again.
func counted(n *int64, err *error) {
	if *err == nil {
		*n++
	}
}

// PlanLine is a plan to import; Name, Price, Currency are needed for a new one.
type PlanLine struct {
	ID        PlanID
	Name      Change[string]
	Price     Change[int64]
	Currency  Change[string]
	Cycle     Change[string] // weekly, bi-weekly, monthly (default)
	Prepaid   Change[bool]   // default true
	OnFailure Change[string] // block (default), tariff, overdraw
	// What getServicePlanInfo tells beside them.
	Description     Change[string]
	SuspendAllCalls Change[bool]
	Tariff          Change[int64] // null is none
	Customer        Change[int64] // null is root
}

// Plan puts one plan.
func (im *Importer) Plan(l PlanLine) (err error) {
	defer counted(&im.done.plans, &err)
	p, err := im.u.tx.Plan(l.ID)
	if errors.Is(err, NotFound) {
		p = Plan{ID: l.ID, Cycle: CycleMonthly, Prepaid: true, OnFailure: FailBlock}
		if !l.Name.Given || !l.Price.Given || !l.Currency.Given {
			return Errorf(Missing, "name", "a new plan needs name, price and currency")
		}
	} else if err != nil {
		return err
	}
	if l.ID < 1 {
		return Errorf(Invalid, "i_billing_plan", "ids are above 0")
	}
	if l.Cycle.Given {
		if p.Cycle, err = parseLine(l.Cycle, "billing_cycle", ParseCycle); err != nil {
			return err
		}
	}
	if l.OnFailure.Given {
		if p.OnFailure, err = parseLine(l.OnFailure, "on_failure", parseOnFailure); err != nil {
			return err
		}
	}
	if l.Currency.Given {
		if p.Currency, err = parseLine(l.Currency, "currency", parseCurrency); err != nil {
			return err
		}
	}
	set(&p.Name, l.Name)
	set(&p.Prepaid, l.Prepaid)
	set(&p.Price, l.Price)
	if p.Price < 0 {
		return Errorf(Invalid, "price", "price is 0 or more")
	}
	if err := im.planInfo(&p, l); err != nil {
		return err
	}
	return im.u.tx.PutPlan(&p)
}

// planInfo puts the members of a plan that decide nothing.
func (im *Importer) planInfo(p *Plan, l PlanLine) error {
	set(&p.Description, l.Description)
	set(&p.SuspendAllCalls, l.SuspendAllCalls)
	set(&p.Tariff, l.Tariff)
	if p.Tariff < 0 || l.Tariff.Value != nil && *l.Tariff.Value == 0 {
		return Errorf(Invalid, "i_tariff", "ids are above 0")
	}
	if !l.Customer.Given {
		return nil
	}
	p.Customer = 0
	if n := l.Customer.Value; n != nil && *n != Root.Number() {
		if *n < 1 || *n > MaxOwnerNumber {
			return Errorf(Invalid, "i_customer", "ids are above 0")
		}
		p.Customer = Customer(*n)
		if _, err := im.u.tx.Owner(p.Customer); err != nil {
			return wrongOwner(p.Customer, err)
		}
	}
	return nil
}

// OwnerLine is what customer and account lines share.
type OwnerLine struct {
	Owner       OwnerID
	Parent      Change[int64] // i_parent or i_customer: the customer above
	Name        Change[string]
	Username    Change[string]
	Currency    Change[string]
	Balance     Change[int64] // funds available; a difference is booked
	CreditLimit Change[int64] // null is unlimited
	Email       Change[string]
	TimeZone    Change[string]
	Blocked     Change[bool]
	// Extra merges the members kept for other interfaces into those stored.
	Extra        Merge
	BalanceGroup Change[int64]
	// Login and Password are a customer's web_login and api_password.
	Login    Change[string]
	Password Change[Secret]
	// HA1 is what an export with secrets gives in place of the password, for
	// the realm in force.
	HA1 Change[Secret]
	// Plan and what follows are an account's.
	Plan          Change[int64]
	NextBillingAt Change[time.Time]
	AnchorDay     Change[int64]
	BillingZone   Change[string]
	// Lifetime is an account's, in days; null is unlimited. An import also says
	// since when it is used and when that ends.
	Lifetime    Change[int64]
	FirstUsedAt Change[time.Time]
	ExpiresAt   Change[time.Time]
	OnPayment   Change[string] // a word of OnPayment; null is none
	MinPayment  Change[int64]  // 0 is any
}

// Owner puts one customer or account.
func (im *Importer) Owner(l OwnerLine) (err error) {
	n := &im.done.customers
	if l.Owner.IsAccount() {
		n = &im.done.accounts
	}
	defer counted(n, &err)
	if n := l.Owner.Number(); n < 1 || n > MaxOwnerNumber {
		return Errorf(Invalid, l.Owner.Field(), "ids are above 0")
	}
	o, isNew, err := im.owner(l)
	if err != nil {
		return err
	}
	blocked := o.Blocked
	if err := ownerMembers(&o, l, isNew); err != nil {
		return err
	}
	o.UpdatedAt = im.u.now
	o.Held = o.Held || im.hold && o.ID != Root
	if err := im.u.tx.PutOwner(&o); err != nil {
		return err
	}
	raised, err := im.balance(&o, l, isNew)
	if err != nil {
		return err
	}
	if l.Login.Given || l.Password.Given || l.HA1.Given {
		if err := im.login(&o, l); err != nil {
			return err
		}
	}
	if o.ID.IsAccount() {
		if err := im.u.accountPlan(&o, l); err != nil {
			return err
		}
	}
	if isNew {
		return nil
	}
	if blocked != 0 && o.Blocked == 0 && !o.ID.IsAccount() {
		// What it held below it is looked at again.
		if err := im.u.tx.JudgeWithin(o.ID, im.u.now); err != nil {
			return err
		}
	}
	return im.judgeSoon(o.ID, raised || l.CreditLimit.Given)
}

// owner reads the stored owner, or starts a new one below its parent.
func (im *Importer) owner(l OwnerLine) (o Owner, isNew bool, err error) {
	o, err = im.u.tx.Owner(l.Owner)
	isNew = errors.Is(err, NotFound)
	if err != nil && !isNew {
		return o, false, err
	}
	if !o.DeletedAt.IsZero() {
		return o, false, Errorf(Conflict, l.Owner.Field(), "%s was deleted: its number is not used again", l.Owner)
	}
	if isNew {
		zero := int64(0)
		o = Owner{ID: l.Owner, CreditLimit: &zero, CreatedAt: im.u.now}
		if l.Owner.IsAccount() {
			o.BalanceGroup = l.Owner.Number()
		}
		if !l.Parent.Given {
			if l.Owner.IsAccount() {
				return o, true, Errorf(Missing, "i_customer", "a new account needs i_customer")
			}
			l.Parent = To(Root.Number())
		}
		if !l.Currency.Given {
			return o, true, Errorf(Missing, "currency", "a new %s needs a currency", l.Owner)
		}
	}
	if !l.Parent.Given || (l.Parent.Value == nil && o.ID == Root) {
		return o, isNew, nil
	}
	field := "i_parent"
	if l.Owner.IsAccount() {
		field = "i_customer"
	}
	n, err := l.Parent.required(field)
	if err != nil {
		return o, isNew, err
	}
	parent, err := im.u.owner(Customer(n))
	if errors.Is(err, NotFound) {
		return o, isNew, Errorf(NotFound, field, "there is no customer %d", n)
	}
	if err != nil {
		return o, isNew, err
	}
	if !isNew {
		if o.Parent != parent.ID {
			return o, false, Errorf(Conflict, field, "%s belongs to %s and cannot be moved", o.ID, o.Parent)
		}
		return o, false, nil
	}
	place(&o, &parent)
	return o, true, nil
}

// place puts a new owner below its parent: path and top-level customer.
func place(o, parent *Owner) {
	o.Parent, o.Path, o.Top = parent.ID, parent.Path, parent.Top
	if !o.ID.IsAccount() {
		o.Path += fmt.Sprintf("%d/", o.ID.Number())
		if parent.ID == Root {
			o.Top = o.ID
		}
	}
}

// ownerMembers checks and applies what a line, or a call, gives of an owner's own members.
func ownerMembers(o *Owner, l OwnerLine, isNew bool) error {
	if l.Currency.Given {
		unit, err := parseLine(l.Currency, "currency", parseCurrency)
		if err != nil {
			return err
		}
		if !isNew && unit != o.Currency {
			return Errorf(WrongCurrency, "currency", "%s is kept in %s", o.ID, o.Currency)
		}
		o.Currency = unit
	}
	if l.Email.Given && l.Email.Value != nil && *l.Email.Value != "" {
		if _, err := mail.ParseAddress(*l.Email.Value); err != nil {
			return Errorf(Invalid, "email", "not a mail address")
		}
	}
	for _, z := range []Change[string]{l.TimeZone, l.BillingZone} {
		if z.Given && z.Value != nil && *z.Value != "" {
			if _, err := time.LoadLocation(*z.Value); err != nil {
				return Errorf(Invalid, "time_zone", "not an IANA time zone")
			}
		}
	}
	set(&o.Name, l.Name)
	set(&o.Username, l.Username)
	set(&o.Email, l.Email)
	set(&o.TimeZone, l.TimeZone)
	if err := l.Extra.into(&o.Extra); err != nil {
		return err
	}
	if l.BalanceGroup.Given && l.BalanceGroup.Value != nil {
		o.BalanceGroup = *l.BalanceGroup.Value
	}
	if l.CreditLimit.Given {
		o.CreditLimit = l.CreditLimit.Value
	}
	if err := paymentMembers(o, l); err != nil {
		return err
	}
	if l.Blocked.Given {
		on, err := l.Blocked.required("blocked")
		if err != nil {
			return err
		}
		o.Blocked &^= BlockOperator
		if on {
			o.Blocked |= BlockOperator
		}
	}
	return nil
}

// balance books what the given balance differs from the stored one, so that
// the ledger stays whole. It reports whether the balance went up.
func (im *Importer) balance(o *Owner, l OwnerLine, isNew bool) (raised bool, err error) {
	if !l.Balance.Given {
		return false, nil
	}
	want, err := l.Balance.required("balance")
	if err != nil {
		return false, err
	}
	var have Bucket
	if !isNew {
		if have, err = im.u.tx.Bucket(o.ID, o.Currency); err != nil {
			return false, err
		}
	}
	delta, err := AddMicros(want, -have.Balance)
	if err != nil || delta == 0 {
		return false, err
	}
	im.seq++
	return delta > 0, im.u.adjust(o, delta, fmt.Sprintf("import:%s:%d", im.name, im.seq), "import")
}

// adjust books a difference of an owner's balance that is nobody's payment.
func (u *unitOfWork) adjust(o *Owner, delta int64, cause, notes string) error {
	return u.tx.Post(&Posting{
		Top: o.Top, Kind: PostAdjustment, Cause: cause, Notes: notes,
		Actor: u.actor.Name(), BookedAt: u.real, EffectiveAt: u.now,
		Entries: []Entry{
			{Owner: o.ID, Unit: o.Currency, Micros: delta},
			{Account: AccountAdjustment, Unit: o.Currency, Micros: -delta},
		},
	})
}

func (im *Importer) login(o *Owner, l OwnerLine) error {
	if !l.Login.Given || l.Login.Value == nil {
		return Errorf(Missing, "web_login", "api_password needs web_login")
	}
	if l.HA1.Given && l.HA1.Value != nil && !l.Password.Given {
		if hash := l.HA1.Value.Reveal(); len(hash) != 32 || strings.Trim(hash, "0123456789abcdef") != "" {
			return Errorf(Invalid, "api_ha1", "32 lower-case hexadecimal digits")
		}
		return im.u.putLoginHash(*l.Login.Value, o.ID, *l.HA1.Value)
	}
	if !l.Password.Given {
		// An export without secrets: a login that is there keeps its password, a
		// new one has none.
		_, err := im.u.tx.Login(*l.Login.Value)
		if err == nil || !errors.Is(err, NotFound) {
			return err
		}
		return im.u.tx.PutLogin(&Login{
			Name: *l.Login.Value, Customer: o.ID, Realm: im.u.e.set.Realm,
			CreatedAt: im.u.now, UpdatedAt: im.u.now,
		})
	}
	pw, err := l.Password.required("api_password")
	if err != nil {
		return err
	}
	return im.u.putLogin(*l.Login.Value, o.ID, pw)
}

// accountPlan puts an account into its plan, or changes its place there; another
// plan counts from the next period.
func (u *unitOfWork) accountPlan(o *Owner, l OwnerLine) error {
	ap, err := u.tx.AccountPlan(o.ID)
	isNew := errors.Is(err, NotFound)
	if err != nil && !isNew {
		return err
	}
	switch {
	case isNew && l.Plan.Value == nil:
		return nil
	case isNew:
		ap = AccountPlan{Owner: o.ID, Top: o.Top}
	case l.Plan.Given && l.Plan.Value == nil:
		return Errorf(Conflict, "i_billing_plan", "%s has plan %d: a plan can be changed, not taken away", o.ID, ap.Plan)
	}
	if l.Plan.Given && l.Plan.Value != nil {
		ap.Plan = PlanID(*l.Plan.Value)
	}
	plan, err := u.plan(ap.Plan, l.Plan.Given)
	if err != nil {
		return err
	}
	if plan.Currency != o.Currency {
		return Errorf(WrongCurrency, "i_billing_plan", "plan %d is in %s, the account in %s", plan.ID, plan.Currency, o.Currency)
	}
	if l.NextBillingAt.Given && l.NextBillingAt.Value != nil {
		ap.NextAt = l.NextBillingAt.Value.UTC()
	}
	set(&ap.TimeZone, l.BillingZone)
	loc := u.e.zone(ap.TimeZone, o.TimeZone)
	if ap.NextAt.IsZero() {
		// The first period is due when the plan is assigned.
		y, m, d := u.now.In(loc).Date()
		ap.NextAt = time.Date(y, m, d, 0, 0, 0, 0, loc).UTC()
	}
	if l.AnchorDay.Given && l.AnchorDay.Value != nil {
		ap.AnchorDay = int(min(max(*l.AnchorDay.Value, 0), 99))
	}
	if ap.AnchorDay == 0 {
		ap.AnchorDay = ap.NextAt.In(loc).Day()
	}
	if ap.AnchorDay > 31 {
		return Errorf(Invalid, "billing_anchor_day", "1 to 31")
	}
	return u.tx.PutAccountPlan(&ap)
}

// judgeSoon leaves an owner that has a policy to the next sweep. Funds or a new
// credit limit re-arm its mail.
func (im *Importer) judgeSoon(o OwnerID, rearm bool) error {
	j, err := judgedOf(im.u.tx, o)
	if err != nil || !j.Configured {
		return err
	}
	im.u.leaveToSweep(&j)
	j.Policy.State.Armed = j.Policy.State.Armed || rearm
	return im.u.tx.PutLowBalanceState(o, j.Policy.State)
}

// Mandate text of a consent that an import asserts.
const mandateImported = "import-asserted-1"

// LowBalance puts one policy; its members are those of SetLowBalanceParams.
func (im *Importer) LowBalance(p SetLowBalanceParams) (err error) {
	defer counted(&im.done.policies, &err)
	j, err := im.u.judged(p.Owner)
	if err != nil {
		return err
	}
	p.imported = true
	return im.u.setLowBalance(&j, p, mandateImported, false)
}

// Object keeps a line of a type that another interface will own; body merges
// its members into those stored.
func (im *Importer) Object(kind, key string, body Merge) (err error) {
	defer counted(&im.done.objects, &err)
	o, err := im.u.tx.Object(kind, key)
	if errors.Is(err, NotFound) {
		o = Object{Type: kind, Key: key}
	} else if err != nil {
		return err
	}
	if err := body.into(&o.Body); err != nil {
		return err
	}
	return im.u.tx.PutObject(o)
}

// Merge combines a stored JSON object, empty if there is none, with the members
// that a line gives; nil leaves what is stored. The form of the object belongs
// to the importer's caller.
type Merge func(stored string) (string, error)

func (m Merge) into(dst *string) (err error) {
	if m != nil {
		*dst, err = m(*dst)
	}
	return err
}

// Golive ends a hold for a customer and all below it; it returns how many
// owners changed. Their next judgement may charge and mail.
func (e *Engine) Golive(ctx context.Context, customer OwnerID) (n int64, err error) {
	err = e.update(ctx, func(u *unitOfWork) error {
		j, err := u.judged(customer)
		if err != nil {
			return err
		}
		if n, err = u.tx.SetHeld(customer, false, u.now); err != nil {
			return err
		}
		if n > 0 {
			if err := u.audit(AuditGolive, j.Owner.Top, auditOwner("customers", customer), newAudit().count("released", n)); err != nil {
				return err
			}
		}
		return u.tx.JudgeWithin(customer, u.now)
	})
	return n, err
}

func (e *Engine) firstGateway() string {
	if len(e.order) == 0 {
		return ""
	}
	return e.order[0]
}

// set replaces a member that was given; null empties it.
func set[T any](dst *T, c Change[T]) {
	if !c.Given {
		return
	}
	var zero T
	*dst = zero
	if c.Value != nil {
		*dst = *c.Value
	}
}

func parseLine[T any](c Change[string], field string, parse func(string) (T, error)) (T, error) {
	text, err := c.required(field)
	if err != nil {
		var zero T
		return zero, err
	}
	v, err := parse(text)
	if err != nil {
		return v, Errorf(Invalid, field, "%s: %q is not known", field, text)
	}
	return v, nil
}

func parseCurrency(s string) (Unit, error) {
	c, ok := LookupCurrency(s)
	if !ok {
		return "", Invalid
	}
	return c.Code, nil
}

func parseOnFailure(s string) (OnFailure, error) {
	switch f := OnFailure(s); f {
	case FailBlock, FailTariff, FailOverdraw:
		return f, nil
	}
	return "", Invalid
}

// ha1 is the Digest password hash of RFC 2617.
func ha1(user, realm, password string) Secret {
	h := md5.Sum([]byte(user + ":" + realm + ":" + password))
	return Secret(hex.EncodeToString(h[:]))
}
