package billing

import "context"

// TopupAsItWas is a top-up as an event kept it, with what an interface shows beside it as
// that is now. Deleted ones are shown too: their deletion is an event.
func (e *Engine) TopupAsItWas(ctx context.Context, t *BalanceTopup) (v BalanceTopupView, err error) {
	err = e.view(ctx, func(r Reader) error {
		o, err := r.Owner(t.Owner)
		if a := ActorFrom(ctx); err == nil && !a.IsRoot() && !a.Sees(&o) {
			err = NotFound
		}
		if err != nil {
			return err
		}
		if v, err = (&topupViewer{r: r}).view(*t); err == nil {
			v.Latest = *t
		}
		return err
	})
	return v, err
}
