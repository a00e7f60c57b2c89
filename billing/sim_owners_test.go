package billing_test

import (
	"fmt"
	"slices"
	"time"

	"topupd/billing"
)

// alive are the owners that nobody was told to be deleted.
func (s *simulation) alive() []*simOwner {
	return slices.DeleteFunc(slices.Clone(s.owners), func(o *simOwner) bool { return !o.deleted.IsZero() })
}

// someone is an owner that is there.
func (s *simulation) someone() *simOwner {
	list := s.alive()
	return list[s.rng.IntN(len(list))]
}

// anAccount is an account that is there; the last one is never deleted.
func (s *simulation) anAccount() *simOwner {
	list := slices.DeleteFunc(s.alive(), func(o *simOwner) bool { return !o.id.IsAccount() })
	return list[s.rng.IntN(len(list))]
}

// drawOwnerOp is what a panel does to owners.
func (s *simulation) drawOwnerOp() simOp {
	o := s.someone()
	switch n := s.rng.IntN(100); {
	case n < 30:
		return s.drawCreate(s.oneIn(2))
	case n < 55:
		return s.drawUpdateOwner(o)
	case n < 70:
		return s.drawBlock(o)
	case n < 87:
		return s.drawGhost()
	}
	return s.drawDelete(o)
}

// drawCreate makes an account, now and then a customer; who gets no answer looks it
// up by its name.
func (s *simulation) drawCreate(poor bool) simOp {
	s.named++
	top := s.owners[0]
	o := &simOwner{unit: top.unit, scale: top.scale}
	name := fmt.Sprintf("user-%d", s.named)
	p := billing.CreateOwnerParams{Kind: billing.KindAccount, Parent: top.id}
	p.Terms = billing.OwnerLine{Name: billing.To(name), Email: billing.To("alice@acme.example")}
	if s.oneIn(6) {
		p.Kind = billing.KindCustomer
	} else {
		p.Terms.Username = billing.To(name)
		if s.oneIn(3) && !poor {
			o.plan = true
			p.Terms.Plan = billing.To(s.aPlan(o.unit))
		}
	}
	if !poor {
		o.opening = s.rng.Int64N(20) * o.scale
		p.Terms.Balance = billing.To(o.opening)
	}
	asked := false
	return simOp{
		name: fmt.Sprintf("create %s, a customer %t, with %s", name, p.Kind == billing.KindCustomer, billing.FormatMicros(o.opening)), again: true,
		run: func(proc *process) (err error) {
			o.id, err = proc.engine.CreateOwner(proc.ctx, p)
			if asked && billing.ErrorCode(err) == billing.Exists {
				var info billing.OwnerInfo
				info, err = proc.engine.GetOwner(proc.ctx, billing.OwnerQuery{Kind: p.Kind, Name: name})
				o.id = info.Owner.ID
			}
			asked = true
			return err
		},
		acked: func() {
			s.counts["owner created"]++
			o.want = billing.NewLowBalance(o.id)
			s.owners = append(s.owners, o)
		},
	}
}

func (s *simulation) aPlan(unit billing.Unit) int64 {
	plan := 1 + s.rng.Int64N(3)
	if unit == "JPY" {
		plan += 3
	}
	return plan
}

func (s *simulation) drawUpdateOwner(o *simOwner) simOp {
	l := billing.OwnerLine{Owner: o.id, Email: billing.To("alice@acme.example")}
	switch {
	case s.oneIn(2):
		l.CreditLimit = []billing.Change[int64]{billing.To(int64(0)), billing.To(5 * o.scale), billing.ToNull[int64]()}[s.rng.IntN(3)]
	case o.plan:
		l.Plan = billing.To(s.aPlan(o.unit))
	case o.id.IsAccount():
		l.Lifetime = billing.To(30 + s.rng.Int64N(100))
	}
	return simOp{name: fmt.Sprint("update ", o.id), owner: o, again: true, run: func(p *process) error {
		return p.engine.UpdateOwner(p.ctx, billing.UpdateOwnerParams{Terms: l})
	}}
}

func (s *simulation) drawBlock(o *simOwner) simOp {
	blocked := s.oneIn(3)
	return simOp{name: fmt.Sprintf("block %s %t", o.id, blocked), owner: o, again: true, run: func(p *process) error {
		return p.engine.BlockOwner(p.ctx, o.id, blocked)
	}}
}

// drawDelete ends an owner, if nothing of it is left; its customer always stays.
func (s *simulation) drawDelete(o *simOwner) simOp {
	last := len(slices.DeleteFunc(s.alive(), func(o *simOwner) bool { return !o.id.IsAccount() || o.going })) == 1
	if last && o.id.IsAccount() {
		return s.drawUpdateOwner(o)
	}
	o.going = true
	if o.leaves.IsZero() {
		o.leaves = time.Now()
	}
	asked := false
	return simOp{
		name: fmt.Sprint("delete ", o.id), owner: o, again: true,
		run: func(p *process) error {
			err := p.engine.DeleteOwner(p.ctx, o.id)
			switch {
			case err == nil && o == s.owners[0]:
				s.find("%s was deleted above its accounts", o.id)
			case asked && billing.ErrorCode(err) == billing.NotFound:
				return nil // the first answer was lost
			case billing.ErrorCode(err) == billing.Conflict:
				s.count("owner not deleted")
				s.mu.Lock()
				if !asked { // what was not answered may still have been done
					o.going, o.leaves = false, time.Time{}
				}
				s.mu.Unlock()
			}
			asked = true
			return err
		},
		refused: []billing.Code{billing.Conflict},
		acked: func() {
			s.counts["owner deleted"]++
			o.deleted = time.Now()
		},
	}
}

// farewell settles what an account has and deletes it, if it can be.
func (s *simulation) farewell() {
	o := s.anAccount()
	if s.oneIn(5) {
		o = s.owners[0] // which cannot go
	}
	p := billing.SetLowBalanceParams{Owner: o.id, ChargeCard: billing.To(false), Threshold: billing.ToNull[int64]()}
	if o.id.IsAccount() {
		p.BRChargeCard = billing.To(false)
	}
	s.do(simOp{name: fmt.Sprint("farewell to ", o.id), again: true, acked: func() { o.remember(p) }, run: func(proc *process) error {
		return proc.engine.SetLowBalance(proc.ctx, p)
	}})
	s.do(s.drawWork())
	took := slices.DeleteFunc(s.bank.captures(), func(p *payment) bool { return p.first.Owner != o.id })
	if len(took) > 0 && s.oneIn(2) {
		s.do(s.refund(took[len(took)-1])) // nobody sends it before the end
	}
	has := int64(0)
	s.do(simOp{name: "its balance", again: true, run: func(proc *process) error {
		info, err := proc.engine.GetOwner(proc.ctx, billing.OwnerQuery{Owner: o.id})
		has = info.Balance
		return err
	}})
	switch {
	case has > 0:
		s.do(s.drawMove(o, billing.PostDebit, has))
	case has < 0:
		s.do(s.drawMove(o, billing.PostCredit, -has))
	}
	s.do(s.drawDelete(o))
}

// stillborn is an account that is deleted at the moment when somebody pays for it.
func (s *simulation) stillborn() {
	s.do(s.drawCreate(true))
	o := s.owners[len(s.owners)-1]
	s.do(s.drawAddCard(o))
	ops := []simOp{s.drawDelete(o)}
	for range 1 + s.rng.IntN(2) {
		switch s.rng.IntN(4) {
		case 0:
			ops = append(ops, s.drawPayment(o))
		case 1:
			ops = append(ops, s.drawMove(o, billing.PostAddFunds, o.scale))
		case 2:
			if o.id.IsAccount() {
				ops = append(ops, s.recharge(o, s.vouchers[s.rng.IntN(len(s.vouchers))]))
			}
		default:
			ops = append(ops, s.drawPolicy(o))
		}
	}
	s.rng.Shuffle(len(ops), func(i, j int) { ops[i], ops[j] = ops[j], ops[i] })
	if s.parallel {
		s.together(ops)
		return
	}
	for _, op := range ops {
		s.do(op)
	}
}

// drawGhost asks for something of an owner that is deleted: it is unknown.
func (s *simulation) drawGhost() simOp {
	var gone []*simOwner
	for _, o := range s.owners {
		if !o.deleted.IsZero() {
			gone = append(gone, o)
		}
	}
	if len(gone) == 0 {
		return simOp{name: "nobody was deleted", run: func(*process) error { return nil }}
	}
	o := gone[s.rng.IntN(len(gone))]
	ask := map[string]func(*process) error{
		"funds": func(p *process) error {
			_, err := p.engine.MoveFunds(p.ctx, billing.MoveFundsParams{Owner: o.id, Kind: billing.PostDebit, Amount: o.scale, Currency: o.unit})
			return err
		},
		"a payment": func(p *process) error {
			_, err := p.engine.MakePayment(p.ctx, billing.MakePaymentParams{Owner: o.id, Amount: o.scale, Currency: o.unit, Payer: "192.0.2.7"})
			return err
		},
		"a payment by card": func(p *process) error {
			m := billing.MakePaymentParams{Owner: o.id, Amount: o.scale, Currency: o.unit, Payer: "192.0.2.7"}
			_, err := p.engine.MakePaymentByCard(p.ctx, billing.MakePaymentByCardParams{MakePaymentParams: m, Terms: terms()})
			return err
		},
		"a card": func(p *process) error {
			_, err := p.engine.AddCard(p.ctx, billing.AddCardParams{Owner: o.id, CardTerms: terms()})
			return err
		},
		"a voucher": func(p *process) error {
			_, err := p.engine.Recharge(p.ctx, billing.RechargeParams{Account: o.id, Code: s.vouchers[0].code})
			return err
		},
		"a policy": func(p *process) error {
			return p.engine.SetLowBalance(p.ctx, billing.SetLowBalanceParams{Owner: o.id, ChargeCard: billing.To(true)})
		},
		"a block": func(p *process) error { return p.engine.BlockOwner(p.ctx, o.id, true) },
		"an end":  func(p *process) error { return p.engine.DeleteOwner(p.ctx, o.id) },
		"a change": func(p *process) error {
			return p.engine.UpdateOwner(p.ctx, billing.UpdateOwnerParams{Terms: billing.OwnerLine{Owner: o.id, Name: billing.To("Bob")}})
		},
	}
	words := []string{"funds", "a payment", "a payment by card", "a card", "a voucher", "a policy", "a block", "an end", "a change"}
	word := words[s.rng.IntN(len(words))]
	return simOp{name: fmt.Sprintf("%s for %s, which was deleted", word, o.id), refused: []billing.Code{billing.NotFound}, run: func(p *process) error {
		err := ask[word](p)
		if err == nil {
			s.find("%s, which was deleted, got %s", o.id, word)
		}
		if billing.ErrorCode(err) == billing.NotFound {
			s.count("deleted and unknown")
		}
		return err
	}}
}

// judgeDeleted: at its end an owner had nothing, and nothing was open; what moves
// its balance afterwards is only what the bank does with earlier captures.
func (s *simulation) judgeDeleted(b *books) {
	for _, o := range s.owners {
		if o.deleted.IsZero() {
			continue
		}
		if b.owners[o.id].DeletedAt.IsZero() {
			s.find("%s was acknowledged as deleted and is there", o.id)
		}
		var list []billing.Posting
		for _, p := range b.postings {
			if slices.ContainsFunc(p.Entries, func(e billing.Entry) bool { return e.Owner == o.id }) {
				list = append(list, p)
			}
		}
		slices.SortFunc(list, func(a, b billing.Posting) int { return int(a.ID - b.ID) })
		sum := int64(0)
		empty := true // what is after this posting may have come after the end
		for _, p := range list {
			for _, e := range p.Entries {
				if e.Owner == o.id && len(e.Unit) == 3 {
					sum += e.Micros
				}
			}
			late := p.Kind == billing.PostRefund || p.Kind == billing.PostDispute || p.Kind == billing.PostCharge && s.confirmedByHand(p.Charge)
			if p.BookedAt.After(o.deleted) {
				s.count("posting after its owner's end")
				if !late {
					s.find("%s was deleted, and then posting %d of kind %s was booked", o.id, p.ID, p.Kind)
				}
			}
			empty = sum == 0 || empty && late && !p.BookedAt.Before(o.leaves)
		}
		if !empty {
			s.find("%s was deleted %s with %s", o.id, o.deleted.Sub(s.begun), billing.FormatMicros(sum))
		}
		for _, f := range b.refunds {
			// One that the card's bank sent back was settled before.
			if f.Owner == o.id && f.Reversal == 0 && !f.CreatedAt.After(o.leaves) && (f.SettledAt.IsZero() || f.SettledAt.After(o.deleted)) {
				s.find("%s was deleted, and its refund %d was open", o.id, f.ID)
			}
		}
		for _, c := range b.charges {
			later := c.Open() || c.CreatedAt.After(o.deleted) || c.SettledAt.After(o.deleted) && !s.confirmedByHand(c.ID)
			if c.Owner == o.id && later {
				s.find("%s was deleted, and its charge %d ended %s after that, %s", o.id, c.ID, c.SettledAt.Sub(o.deleted), c.State)
			}
		}
	}
}
