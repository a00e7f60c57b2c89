package billing

import (
	"errors"
	"slices"
)

// SecondsUsed says how much of a minute plan an account used in its present period.
type SecondsUsed struct {
	Minutes MinutePlanID
	Seconds int64
}

// minutePlans makes the minute plans of a plan those of the line. What was used of one
// that is not among them is forgotten with it.
func (im *Importer) minutePlans(plan PlanID, list []MinutePlan) error {
	stored, err := im.u.tx.MinutePlans(plan)
	if err != nil {
		return err
	}
	seen := map[MinutePlanID]bool{}
	for _, m := range list {
		if err := checkMinutePlan(&m); err != nil {
			return err
		}
		if seen[m.ID] {
			return Errorf(Invalid, "minute_plans", "i_service_plan %d is there twice", m.ID)
		}
		seen[m.ID] = true
		m.Plan = plan
		err := im.u.tx.PutMinutePlan(&m)
		if errors.Is(err, Exists) {
			return Errorf(Exists, "minute_plans", "i_service_plan %d belongs to another plan", m.ID)
		}
		if err != nil {
			return err
		}
	}
	for i := range stored {
		if !seen[stored[i].ID] {
			if err := im.u.tx.DeleteMinutePlan(stored[i].ID); err != nil {
				return err
			}
		}
	}
	return nil
}

func checkMinutePlan(m *MinutePlan) error {
	switch {
	case m.ID < 1 || m.ID > MaxSeconds:
		return Errorf(Invalid, "minute_plans", "i_service_plan is 1 to %d", MaxSeconds)
	case m.Price < 0:
		return Errorf(Invalid, "minute_plans", "price is 0 or more")
	case m.Seconds != nil && (*m.Seconds < 0 || *m.Seconds > MaxSeconds):
		return Errorf(Invalid, "minute_plans", "seconds_total is 0 to %d, or null for unlimited", MaxSeconds)
	}
	return nil
}

// minutesUsed notes what an account used of its plan's minutes in its present period.
func (im *Importer) minutesUsed(o *Owner, used []SecondsUsed) error {
	if len(used) == 0 {
		return nil
	}
	ap, err := im.u.tx.AccountPlan(o.ID)
	if errors.Is(err, NotFound) {
		return Errorf(Invalid, "minutes_used", "%s has no plan", o.ID)
	}
	if err != nil {
		return err
	}
	plans, err := im.u.tx.MinutePlans(ap.Plan)
	if err != nil {
		return err
	}
	for _, s := range used {
		if s.Seconds < 0 || s.Seconds > MaxSeconds {
			return Errorf(Invalid, "minutes_used", "seconds are 0 to %d", MaxSeconds)
		}
		if !slices.ContainsFunc(plans, func(p MinutePlan) bool { return p.ID == s.Minutes }) {
			return Errorf(NotFound, "minutes_used", "plan %d has no minute plan %d", ap.Plan, s.Minutes)
		}
		if err := im.u.tx.PutMinutesUsed(&MinutesUsed{Owner: o.ID, Top: o.Top, Minutes: s.Minutes, Seconds: s.Seconds, Until: ap.NextAt}); err != nil {
			return err
		}
	}
	return nil
}
