package billing

import (
	"context"
	"errors"
)

// BalanceTopupView is a top-up with what an interface shows of it. Of a rule's first
// execution that was asked for by its id Latest is the rule's newest execution; else, and in
// lists, which have the newest beside it, Latest is the top-up itself.
type BalanceTopupView struct {
	BalanceTopup
	Latest BalanceTopup
	Rule   *TopupRule // its rule; nil for none
	Owner  Owner
	Card   *Card // of Latest's charge; nil for none
	// Code and Message are the gateway's words for a decline of Latest.
	Code, Message string
	// Services are the owner's, by id.
	Services []Service
}

// IsRule reports whether it stands for its rule.
func (v *BalanceTopupView) IsRule() bool { return v.Rule != nil && v.Rule.ID == v.ID }

// BalanceTopup is one top-up of an account in the actor's scope. Errors: NotFound.
func (e *Engine) BalanceTopup(ctx context.Context, id TopupID) (BalanceTopupView, error) {
	return e.balanceTopup(ctx, id, false)
}

// ListedTopup is BalanceTopup as BalanceTopups has it. Errors: NotFound.
func (e *Engine) ListedTopup(ctx context.Context, id TopupID) (BalanceTopupView, error) {
	return e.balanceTopup(ctx, id, true)
}

func (e *Engine) balanceTopup(ctx context.Context, id TopupID, own bool) (v BalanceTopupView, err error) {
	err = e.view(ctx, func(r Reader) error {
		t, err := visibleTopup(r, ActorFrom(ctx), id)
		if err != nil {
			return err
		}
		v, err = (&topupViewer{r: r, own: own}).view(t)
		return err
	})
	return v, err
}

func noTopup() error { return Errorf(NotFound, "id", "there is no such top-up") }

// visibleTopup is a top-up that the actor may see; deleted ones are not there.
func visibleTopup(r Reader, a Actor, id TopupID) (BalanceTopup, error) {
	t, err := r.BalanceTopup(id)
	if err == nil {
		var o Owner
		if o, err = r.Owner(t.Owner); err == nil && (!a.Sees(&o) || !t.DeletedAt.IsZero() || !t.Owner.IsAccount()) {
			err = NotFound
		}
	}
	if errors.Is(err, NotFound) {
		err = noTopup()
	}
	return t, err
}

// BalanceTopupQuery selects top-ups in the actor's scope, by id.
type BalanceTopupQuery struct {
	Owner  OwnerID // zero: all
	After  TopupID
	Offset int64
	Limit  int // 0: only the total
	// Count asks for how many there are, whatever After, Offset and Limit say.
	Count bool
}

// BalanceTopups lists top-ups and counts them. An owner out of scope has none. Errors: Invalid.
func (e *Engine) BalanceTopups(ctx context.Context, q BalanceTopupQuery) (list []BalanceTopupView, total int64, err error) {
	if q.Offset < 0 || q.Limit < 0 {
		return nil, 0, Errorf(Invalid, "offset", "offset and limit are at least 0")
	}
	a := ActorFrom(ctx)
	f := BalanceTopupFilter{Owner: q.Owner, After: q.After, Offset: q.Offset, Limit: q.Limit}
	if !a.IsRoot() {
		f.Within = a.Customer
	}
	err = e.view(ctx, func(r Reader) (err error) {
		list = nil
		if q.Count {
			if total, err = r.CountBalanceTopups(f); err != nil {
				return err
			}
		}
		if q.Limit == 0 {
			return nil
		}
		all, err := r.BalanceTopups(f)
		if err != nil {
			return err
		}
		w := topupViewer{r: r, own: true}
		for _, t := range all {
			v, err := w.view(t)
			if err != nil {
				return err
			}
			list = append(list, v)
		}
		return nil
	})
	return list, total, err
}

// AccountByGroup is the account of a balance group, in the actor's scope. Errors: NotFound.
func (e *Engine) AccountByGroup(ctx context.Context, group int64) (o Owner, err error) {
	err = e.view(ctx, func(r Reader) error {
		if o, err = r.AccountByGroup(group); err == nil && !ActorFrom(ctx).Sees(&o) {
			err = NotFound
		}
		if errors.Is(err, NotFound) {
			return Errorf(NotFound, "bucket", "there is no such bucket")
		}
		return err
	})
	return o, err
}

// topupViewer gathers what belongs to top-ups; of an owner only once.
type topupViewer struct {
	r        Reader
	own      bool // of a rule its first execution, not its newest
	owner    Owner
	services []Service
}

func (w *topupViewer) view(t BalanceTopup) (v BalanceTopupView, err error) {
	v.BalanceTopup, v.Latest = t, t
	if w.owner.ID != t.Owner {
		if w.owner, err = w.r.Owner(t.Owner); err != nil {
			return v, err
		}
		if w.services, err = w.r.ServicesOf(t.Owner); err != nil {
			return v, err
		}
	}
	v.Owner, v.Services = w.owner, w.services
	if t.Rule != 0 {
		rule, err := w.r.TopupRule(t.Rule)
		if err != nil {
			return v, err
		}
		v.Rule = &rule
		if v.IsRule() && !w.own {
			if v.Latest, err = w.r.LatestExecution(rule.ID); err != nil {
				return v, err
			}
		}
	}
	if v.Latest.Charge == 0 {
		return v, nil
	}
	c, err := w.r.Charge(v.Latest.Charge)
	if err != nil {
		return v, err
	}
	card, err := w.r.Card(c.Card)
	if err != nil {
		return v, err
	}
	v.Card = &card
	if v.Latest.State == TopupFailed {
		attempts, err := w.r.Attempts(c.ID)
		if err != nil || len(attempts) == 0 {
			return v, err
		}
		last := attempts[len(attempts)-1]
		v.Code, v.Message = last.Code, last.Message
	}
	return v, nil
}
