package billing_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"time"

	"topupd/billing"
)

// simAction is a balance action that somebody asked for: an adjustment, a transfer or a
// reservation.
type simAction struct {
	name  string
	owner *simOwner
	// effect is what it does to balances, postings how many it is booked by: a
	// reservation does nothing to a balance.
	effect   map[billing.OwnerID]int64
	postings int
	// acked: it was acknowledged; refused: more was asked for than there was.
	acked, refused bool
}

// drawAction is an adjustment, a transfer or a reservation of an owner, sometimes of more
// than it has; with a key its caller asks again.
func (s *simulation) drawAction(o *simOwner) simOp {
	s.named++
	x := &simAction{owner: o, effect: map[billing.OwnerID]int64{}}
	micros := 1 + s.rng.Int64N(12*o.scale)
	others := slices.DeleteFunc(s.alive(), func(other *simOwner) bool { return other == o })
	var ask func(context.Context, *billing.Engine) error
	to := o
	switch n := s.rng.IntN(5); {
	case n < 2 || len(others) == 0:
		x.name, x.postings = fmt.Sprintf("adjustment-%d", s.named), 1
		if s.oneIn(2) {
			micros = -micros
		}
		x.effect[o.id] = micros
		p := billing.AdjustParams{Owner: o.id, Unit: o.unit, Amount: micros, Notes: x.name}
		ask = func(ctx context.Context, e *billing.Engine) error { _, err := e.Adjust(ctx, p); return err }
	case n < 4:
		x.name, x.postings = fmt.Sprintf("transfer-%d", s.named), 2
		to = others[s.rng.IntN(len(others))]
		p := billing.TransferParams{From: o.id, To: to.id, Unit: o.unit, Amount: micros, Notes: x.name}
		if s.oneIn(2) {
			p.Cost, p.CostBy = 1+s.rng.Int64N(micros), []billing.CostBearer{billing.CostByOriginator, billing.CostByReceiver}[s.rng.IntN(2)]
		}
		t := billing.Transfer{Amount: p.Amount, Cost: p.Cost, CostBy: p.CostBy}
		x.effect[o.id], x.effect[to.id] = -t.Taken(), t.Given()
		ask = func(ctx context.Context, e *billing.Engine) error { _, err := e.Transfer(ctx, p); return err }
	default:
		x.name = fmt.Sprintf("reservation-%d", s.named)
		p := billing.ReserveParams{
			Owner: o.id, Unit: o.unit, Amount: micros, EndsAt: time.Now().UTC().Truncate(time.Second).Add(time.Duration(1+s.rng.IntN(50)) * time.Hour), Extra: `{"reason":"` + x.name + `"}`,
		}
		ask = func(ctx context.Context, e *billing.Engine) error { _, err := e.Reserve(ctx, p); return err }
	}
	s.actions[x.name] = x
	keyed := s.rng.IntN(10) < 7
	return simOp{
		name: fmt.Sprintf("%s of %s, to %s: %s, with a key %t", x.name, o.id, to.id, billing.FormatMicros(micros), keyed), owner: o, again: keyed,
		refused: []billing.Code{billing.Conflict, billing.NotFound},
		run: func(p *process) error {
			err := s.askOnce(p, x, keyed, ask)
			s.mu.Lock()
			defer s.mu.Unlock()
			switch billing.ErrorCode(err) {
			case billing.Conflict:
				x.refused = true
			case billing.NotFound:
				if x.refused = err != nil; x.refused && !o.going && !to.going {
					s.found = append(s.found, fmt.Sprintf("%s: %v", x.name, err))
				}
			}
			return err
		},
		acked: func() {
			x.acked = true
			s.counts["action "+x.name[:slices.Index([]byte(x.name), '-')]]++
		},
	}
}

// askOnce asks for an action, with a key so that it happens once.
func (s *simulation) askOnce(p *process, x *simAction, keyed bool, ask func(context.Context, *billing.Engine) error) error {
	if !keyed {
		return ask(p.ctx, p.engine)
	}
	_, err := p.engine.Once(p.ctx, billing.OnceParams{Key: x.name, Input: sha256.Sum256([]byte(x.name))}, func(ctx context.Context) (billing.Answer, error) {
		return billing.Answer{Status: 201, Body: []byte("{}")}, ask(ctx, p.engine)
	})
	return err
}

// judgeActions: what was acknowledged is booked, with both of its sides, once; what was
// refused is not; a reservation ended when its time was over, and holds nothing any more.
func (s *simulation) judgeActions(b *books) {
	booked := map[string]int{}
	for _, p := range b.postings {
		if s.actions[p.Notes] != nil {
			booked[p.Notes]++
		}
	}
	reserved := s.judgeReservations()
	for name, x := range s.actions {
		n, whole := booked[name], x.postings
		if x.postings == 0 {
			if !b.owners[x.owner.id].DeletedAt.IsZero() {
				continue // lists have no actions of who is gone
			}
			n, whole = reserved[name], 1
		}
		if n != 0 && n != whole || x.acked && n == 0 || x.refused && n != 0 {
			s.find("%s was made by %d records of %d, acknowledged %t, refused %t", name, n, whole, x.acked, x.refused)
		}
		if x.refused {
			s.count("action refused")
		}
	}
}

// judgeReservations counts the reservations by who asked for them.
func (s *simulation) judgeReservations() map[string]int {
	made := map[string]int{}
	err := s.store.View(context.Background(), func(r billing.Reader) error {
		list, err := r.Reservations(billing.ActionFilter{})
		for _, v := range list {
			if v.State != billing.ReservationExpired || v.ClosedAt.Before(v.EndsAt) {
				s.find("reservation %d of %s, until %s, is %s since %s", v.ID, v.Owner, v.EndsAt, v.State, v.ClosedAt)
			}
			for name := range s.actions {
				if v.Extra == `{"reason":"`+name+`"}` {
					made[name]++
				}
			}
		}
		for _, o := range s.owners {
			j, err := r.Judged(o.id)
			if err != nil {
				return err
			}
			if j.Bucket.Reserved != 0 {
				s.find("%s has %s reserved after the end of all reservations", o.id, billing.FormatMicros(j.Bucket.Reserved))
			}
		}
		return err
	})
	if err != nil {
		s.find("the reservations cannot be read: %v", err)
	}
	return made
}
