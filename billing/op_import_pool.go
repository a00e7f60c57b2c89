package billing

import (
	"errors"
	"fmt"
	"time"
)

// PoolPlanLine is a pool plan to import; customer, name and currency are needed for a
// new one. A unit that Balances or LowAllowance do not name stays as it is.
type PoolPlanLine struct {
	Offer          OfferID
	Customer       Change[int64]
	Name           Change[string]
	Currency       Change[string]
	ExpirationType Change[string]
	Expires        Change[time.Time] // a moment of its last day; null is never
	Subscribers    Change[[]string]  // replaces all
	// Balances are what is left; a difference is booked as an adjustment.
	Balances Change[[]Allowance]
	// LowAllowance is when the notice of each unit is sent; null is never, for all.
	LowAllowance Change[[]LowAllowance]
}

// LowAllowance is the line of one unit's notice: a remainder, or a percentage of what
// there was after the last top-up (millionths of a percent).
type LowAllowance struct {
	At      Allowance
	Percent *int64 // At has only a word
}

// PoolPlan puts one pool plan.
func (im *Importer) PoolPlan(l PoolPlanLine) (err error) {
	defer counted(&im.done.pools, &err)
	if l.Offer < 1 {
		return Errorf(Invalid, "offer", "ids are above 0")
	}
	p, err := im.poolPlan(l)
	if err != nil {
		return err
	}
	if err := im.u.tx.PutPoolPlan(&p); err != nil {
		return err
	}
	if l.Subscribers.Given {
		if err := im.poolSubscribers(l); err != nil {
			return err
		}
	}
	return im.poolBalances(&p, l)
}

// poolPlan reads the stored plan, or starts a new one, and changes what the line gives.
func (im *Importer) poolPlan(l PoolPlanLine) (PoolPlan, error) {
	p, err := im.u.tx.PoolPlan(l.Offer)
	isNew := errors.Is(err, NotFound)
	switch {
	case isNew:
		if !l.Customer.Given || !l.Name.Given || !l.Currency.Given {
			return p, Errorf(Missing, "i_customer", "a new pool plan needs i_customer, name and currency")
		}
		p = PoolPlan{Offer: l.Offer, CreatedAt: im.u.now}
	case err != nil:
		return p, err
	}
	p.UpdatedAt = im.u.now
	customer := p.Customer
	if l.Customer.Given {
		n, err := l.Customer.required("i_customer")
		if err != nil || n < 1 || n > MaxOwnerNumber {
			return p, Errorf(Invalid, "i_customer", "ids are above 0")
		}
		customer = Customer(n)
	}
	o, err := im.u.owner(customer)
	if err != nil {
		return p, wrongOwner(customer, err)
	}
	if !isNew && p.Customer != customer {
		return p, Errorf(Conflict, "i_customer", "pool plan %d belongs to %s and cannot be moved", p.Offer, p.Customer)
	}
	p.Customer, p.Top = o.ID, o.Top
	if l.Currency.Given {
		if p.Currency, err = parseLine(l.Currency, "currency", parseCurrency); err != nil {
			return p, err
		}
	}
	if p.Currency != o.Currency {
		return p, Errorf(WrongCurrency, "currency", "%s is kept in %s", o.ID, o.Currency)
	}
	set(&p.Name, l.Name)
	set(&p.ExpirationType, l.ExpirationType)
	if l.Expires.Given {
		var at time.Time
		if l.Expires.Value != nil {
			at = endOfDay(*l.Expires.Value)
		}
		p.Lapsed = p.Lapsed && at.Equal(p.ExpiresAt)
		p.ExpiresAt = at
	}
	return p, nil
}

func (im *Importer) poolSubscribers(l PoolPlanLine) error {
	var list []string
	set(&list, l.Subscribers)
	for _, s := range list {
		if s == "" {
			return Errorf(Invalid, "subscribers", "a subscriber has a name")
		}
	}
	err := im.u.tx.SetPoolSubscribers(l.Offer, list)
	if errors.Is(err, Exists) {
		return Errorf(Exists, "subscribers", "a subscriber is there twice")
	}
	return err
}

// poolBalances makes the plan's allowances and books what differs. It tells nobody: the
// next movement does.
func (im *Importer) poolBalances(p *PoolPlan, l PoolPlanLine) error {
	list, err := im.u.tx.PoolBalances(p.Offer)
	if err != nil {
		return err
	}
	targets, err := importedBalances(l)
	if err != nil {
		return err
	}
	for _, unit := range []Unit{UnitSMS, UnitKB} {
		to, given := targets[unit]
		if _, err := allowanceOf(list, unit); err != nil && given {
			list = append(list, PoolBalance{Offer: p.Offer, Top: p.Top, Unit: unit})
		}
		b, err := allowanceOf(list, unit)
		if err != nil {
			continue
		}
		if given && to != b.Left {
			if err := im.adjustAllowance(p, b, to); err != nil {
				return err
			}
		}
	}
	if err := lowLines(list, l.LowAllowance); err != nil {
		return err
	}
	for i := range list {
		b := &list[i]
		at, on := b.lowAt()
		b.Low = b.Low && on && b.Left <= at
		if err := im.u.tx.PutPoolBalance(b); err != nil {
			return err
		}
	}
	return nil
}

func importedBalances(l PoolPlanLine) (map[Unit]int64, error) {
	var given []Allowance
	set(&given, l.Balances)
	targets := map[Unit]int64{}
	for _, a := range given {
		kept, err := a.Kept()
		if err != nil {
			return nil, Errorf(Invalid, "balances", "%s: %s", a.Word, err.Error())
		}
		if _, twice := targets[kept.Unit]; twice {
			return nil, Errorf(Invalid, "balances", "data is given once, in KB, MB or GB")
		}
		targets[kept.Unit] = kept.Micros
	}
	return targets, nil
}

func (im *Importer) adjustAllowance(p *PoolPlan, b *PoolBalance, to int64) error {
	im.seq++
	delta, err := AddMicros(to, -b.Left)
	if err != nil {
		return err
	}
	err = im.u.post(&Posting{
		Top: p.Top, Kind: PostAdjustment, Cause: fmt.Sprintf("import:%s:%d", im.name, im.seq), Notes: "import", Actor: im.u.actor.Name(),
		BookedAt: im.u.real, EffectiveAt: im.u.now, Entries: poolEntries(p, b.Unit, delta, AccountAdjustment),
	})
	if err != nil {
		return err
	}
	b.Left = to
	b.Total = max(b.Total, to)
	if p.Lapsed && to > 0 {
		p.Lapsed = false // it has something to lose again
		return im.u.tx.PutPoolPlan(p)
	}
	return nil
}

// lowLines puts when notices are sent; a line of a unit without a balance is refused.
func lowLines(list []PoolBalance, c Change[[]LowAllowance]) error {
	if !c.Given {
		return nil
	}
	for i := range list {
		list[i].LowAt, list[i].LowPercent = nil, nil
	}
	var lines []LowAllowance
	set(&lines, c)
	for _, l := range lines {
		kept, err := l.At.Kept()
		if err != nil {
			return Errorf(Invalid, "low_allowance", "%s: %s", l.At.Word, err.Error())
		}
		b, err := allowanceOf(list, kept.Unit)
		switch {
		case err != nil:
			return Errorf(Invalid, "low_allowance", "%s", err.Error())
		case b.LowAt != nil || b.LowPercent != nil:
			return Errorf(Invalid, "low_allowance", "data is given once, in KB, MB or GB")
		case l.Percent != nil && (*l.Percent < 0 || *l.Percent > 100*Micro):
			return Errorf(Invalid, "low_allowance", "a percentage is 0 to 100")
		case l.Percent != nil:
			b.LowPercent = l.Percent
		case kept.Micros < 0:
			return Errorf(Invalid, "low_allowance", "a remainder is 0 or more")
		default:
			b.LowAt = &kept.Micros
		}
	}
	return nil
}
