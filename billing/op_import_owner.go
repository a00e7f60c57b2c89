package billing

import (
	"errors"
	"fmt"
	"net/mail"
	"strings"
	"time"
)

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
	// Topup is a customer's: what profiles know of it.
	Topup TopupTermsParams
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
	// MinutesUsed is what an account used of its plan's minutes in its present period;
	// minute plans that are not named stay as they are.
	MinutesUsed []SecondsUsed
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
		if err := im.minutesUsed(&o, l.MinutesUsed); err != nil {
			return err
		}
	}
	if err := im.topup(&o, l.Topup); err != nil {
		return err
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
