package billing

import (
	"context"
	"encoding/json"
)

// toldTopup is what an event keeps of a top-up: what its rule was then is part of what is
// shown as its state. Events of before have no rule.
type toldTopup struct {
	*BalanceTopup
	RuleState RuleState `json:",omitempty"`
}

// TopupAsItWas is a top-up as an event kept it, with what an interface shows beside it as
// that is now. Deleted ones are shown too: their deletion is an event.
func (e *Engine) TopupAsItWas(ctx context.Context, ev *Event) (v BalanceTopupView, err error) {
	var t BalanceTopup
	told := toldTopup{BalanceTopup: &t}
	if err := json.Unmarshal([]byte(ev.Record), &told); err != nil {
		return v, err
	}
	err = e.view(ctx, func(r Reader) error {
		o, err := r.Owner(t.Owner)
		if a := ActorFrom(ctx); err == nil && !a.IsRoot() && !a.Sees(&o) {
			err = NotFound
		}
		if err != nil {
			return err
		}
		if v, err = (&topupViewer{r: r}).view(t); err == nil {
			v.Latest = t
			if v.Rule != nil && told.RuleState != "" {
				v.Rule.State = told.RuleState
			}
		}
		return err
	})
	return v, err
}
