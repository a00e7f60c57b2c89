package billing

import "errors"

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
	// Minutes are all minute plans of the plan; null is none.
	Minutes Change[[]MinutePlan]
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
	if err := im.u.tx.PutPlan(&p); err != nil || !l.Minutes.Given {
		return err
	}
	var list []MinutePlan
	set(&list, l.Minutes)
	return im.minutePlans(p.ID, list)
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

func parseOnFailure(s string) (OnFailure, error) {
	switch f := OnFailure(s); f {
	case FailBlock, FailTariff, FailOverdraw:
		return f, nil
	}
	return "", Invalid
}
