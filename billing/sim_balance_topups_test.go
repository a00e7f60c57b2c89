package billing_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"time"

	"topupd/billing"
)

// simTopup is a top-up of TMF654 that somebody asked for, under an amount that nothing else
// is about: by card, by voucher, or the first one of a rule.
type simTopup struct {
	owner  *simOwner
	params billing.CreateBalanceTopupParams
	// id is what was acknowledged, ends how it was told to have ended.
	id   billing.TopupID
	ends []billing.TopupState
	// ended is when its withdrawal or the end of its rule was acknowledged.
	ended time.Time
}

func (t *simTopup) String() string {
	how := "by card"
	switch r := t.params.Rule; {
	case r != nil && r.Periods != nil:
		how = fmt.Sprintf("%s, %d times", r.Period, *r.Periods)
	case r != nil:
		how = string(r.Period)
	case t.params.Voucher != "":
		how = "by voucher"
	}
	return fmt.Sprintf("top-up of %s by %s, %s, key %q", t.owner.id, billing.FormatMicros(t.params.Amount), how, t.params.Key)
}

// drawBalanceTopup is one of them, or what happens to them.
func (s *simulation) drawBalanceTopup() simOp {
	switch n := s.rng.IntN(20); {
	case n < 4:
		return s.topUp(s.newTopup(nil), nil)
	case n < 9:
		return s.topUp(s.newTopup(s.aRule()), nil)
	case n < 10:
		return s.redeem()
	case n < 12 && len(s.topups) > 0:
		if t := s.topups[s.rng.IntN(len(s.topups))]; t.params.Key != "" {
			return s.topUp(t, nil) // it asks again, long after
		}
		return s.drawEndTopup()
	case n < 17:
		return s.drawEndTopup()
	}
	return simOp{name: "recurring", run: func(p *process) error {
		_, _, err := p.engine.RunRecurring(p.ctx, billing.RunParams{Trigger: "command"})
		return err
	}}
}

func (s *simulation) aRule() *billing.NewTopupRule {
	r := &billing.NewTopupRule{Period: []billing.TopupPeriod{billing.TopupDaily, billing.TopupDaily, billing.TopupWeekly}[s.rng.IntN(3)]}
	if !s.oneIn(6) {
		r.Periods = new(1 + s.rng.Int64N(4))
	}
	return r
}

func (s *simulation) newTopup(rule *billing.NewTopupRule) *simTopup {
	s.named++
	o := s.anAccount()
	t := &simTopup{owner: o, params: billing.CreateBalanceTopupParams{
		Owner: o.id, Amount: o.scale + o.scale/100*int64(s.named), Currency: o.unit, Rule: rule,
	}}
	if s.oneIn(3) && len(o.cards) > 0 {
		t.params.Card = new(o.cards[s.rng.IntN(len(o.cards))])
	}
	s.key(t)
	s.topups = append(s.topups, t)
	return t
}

// key gives most top-ups a key: their caller asks again.
func (s *simulation) key(t *simTopup) {
	if s.rng.IntN(10) < 7 {
		t.params.Key = fmt.Sprintf("topup-%d", s.named)
		t.params.Input = sha256.Sum256([]byte(t.params.Key))
	}
}

// redeem is a voucher, also one that was redeemed before, is over, needs a PIN or is in
// another currency.
func (s *simulation) redeem() simOp {
	v, o := s.vouchers[s.rng.IntN(len(s.vouchers))], s.anAccount()
	s.named++
	t := &simTopup{owner: o, params: billing.CreateBalanceTopupParams{Owner: o.id, Amount: v.micros, Currency: o.unit, Voucher: v.code}}
	s.key(t)
	s.topups = append(s.topups, t)
	return s.topUp(t, v)
}

// topUp asks for a top-up once; who has a key asks until there is an answer. v is its
// voucher, nil for none.
func (s *simulation) topUp(t *simTopup, v *simVoucher) simOp {
	if v == nil && t.params.Voucher != "" {
		v = s.vouchers[slices.IndexFunc(s.vouchers, func(v *simVoucher) bool { return v.code == t.params.Voucher })]
	}
	var got billing.MadeBalanceTopup
	op := simOp{
		name: t.String(), owner: t.owner, again: t.params.Key != "",
		// No such card any more, or none that is usable; the network's limit; the voucher.
		refused: []billing.Code{billing.NotFound, billing.Conflict, billing.WrongCurrency, billing.Invalid},
		run: func(p *process) (err error) {
			may := false
			if v != nil {
				may = v.pin == "" && (v.expires.IsZero() || time.Now().Before(v.expires)) && v.unit == t.owner.unit
				s.mu.Lock()
				v.tried = v.tried || may
				s.mu.Unlock()
			}
			got, err = p.engine.CreateBalanceTopup(p.ctx, t.params)
			if err == nil && v != nil && !may && !got.Repeated {
				s.find("%s: voucher %d was taken, in %s, until %s", t, v.id, v.unit, v.expires)
			}
			return err
		},
		acked: func() {
			if t.id != 0 && t.id != got.ID {
				s.found = append(s.found, fmt.Sprintf("%s was answered as %d and then as %d", t, t.id, got.ID))
			}
			t.id = got.ID
			if got.State != billing.TopupCreated {
				t.ends = append(t.ends, got.State)
			}
			if v != nil && !got.Repeated {
				v.acked = append(v.acked, t.owner.id)
				s.counts["top-up by voucher"]++
			}
			s.counts[fmt.Sprintf("top-up told as %s, repeated %t", got.State, got.Repeated)]++
		},
	}
	return op
}

// regret is a client that takes a top-up back at once, or while its card is being charged.
func (s *simulation) regret() {
	var rule *billing.NewTopupRule
	if s.oneIn(3) {
		rule = s.aRule()
	}
	t := s.newTopup(rule)
	s.do(s.topUp(t, nil))
	if s.oneIn(3) {
		s.living().dieOf(deaths[s.rng.IntN(len(deaths))])
		s.do(s.drawWork())
	}
	if t.id != 0 {
		s.do(s.endTopup(t))
	}
	s.do(s.drawWork())
}

// drawEndTopup withdraws a top-up, ends a rule, or deletes either.
func (s *simulation) drawEndTopup() simOp {
	known := slices.DeleteFunc(slices.Clone(s.topups), func(t *simTopup) bool { return t.id == 0 || t.params.Voucher != "" })
	if len(known) == 0 {
		return simOp{name: "nothing to withdraw", run: func(*process) error { return nil }}
	}
	t := known[s.rng.IntN(len(known))]
	if s.oneIn(2) {
		t = known[len(known)-1] // it may be on its way
	}
	return s.endTopup(t)
}

func (s *simulation) endTopup(t *simTopup) simOp {
	deleted := s.oneIn(6)
	asked := false
	return simOp{
		name: fmt.Sprintf("no more of the %s, deleted %t", t, deleted), owner: t.owner, again: true,
		refused: []billing.Code{billing.Conflict, billing.NotFound},
		run: func(p *process) (err error) {
			if deleted {
				err = p.engine.DeleteBalanceTopup(p.ctx, t.id)
				if asked && billing.ErrorCode(err) == billing.NotFound {
					return nil // the first answer was lost
				}
				asked = true
				return err
			}
			_, err = p.engine.ChangeBalanceTopup(p.ctx, billing.ChangeBalanceTopupParams{ID: t.id, Cancel: true})
			return err
		},
		acked: func() {
			s.counts["top-up ended by its client"]++
			if t.ended.IsZero() && (!deleted || t.params.Rule != nil) {
				t.ended = time.Now()
			}
		},
	}
}

// topupBooks are the top-ups and rules in the end.
type topupBooks struct {
	topups []billing.BalanceTopup
	rules  map[billing.TopupID]billing.TopupRule
	paidBy map[billing.ChargeID]billing.BalanceTopup
}

func (s *simulation) readTopups() (b topupBooks) {
	b.rules, b.paidBy = map[billing.TopupID]billing.TopupRule{}, map[billing.ChargeID]billing.BalanceTopup{}
	err := s.store.View(context.Background(), func(r billing.Reader) (err error) {
		// Lists have none of who is gone. Ids are left out by other actions and by what was undone.
		for id, missed := billing.TopupID(1), 0; missed < 150; id++ {
			a, err := r.BalanceTopup(id)
			if billing.ErrorCode(err) == billing.NotFound {
				missed++
				continue
			}
			if err != nil {
				return err
			}
			missed = 0
			b.topups = append(b.topups, a)
			if a.Charge != 0 {
				b.paidBy[a.Charge] = a
			}
			if a.Rule == a.ID {
				if b.rules[a.ID], err = r.TopupRule(a.ID); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		s.find("the top-ups cannot be read: %v", err)
	}
	return b
}

// retryAfter is billing.RetryAfter, of a rule's charge by its period.
func (s *simulation) retryAfter(c billing.Charge, n int, x *topupBooks) (time.Duration, bool) {
	if c.Purpose != billing.PurposeRecurring {
		return billing.RetryAfter(c.Purpose, n)
	}
	switch period := x.rules[x.paidBy[c.ID].Rule].Period; {
	case period == billing.TopupDaily && n == 1:
		return time.Hour, true
	case period == billing.TopupWeekly && n <= 3:
		return 24 * time.Hour, true
	}
	return 0, false
}

// judgeBalanceTopups holds the top-ups against who asked for them, the bank and the clock.
func (s *simulation) judgeBalanceTopups(b *books) {
	x := &b.topups
	made := map[int64][]billing.BalanceTopup{} // asked for by a person, not by voucher
	byVoucher := map[billing.TopupID]billing.BalanceTopup{}
	executions := map[billing.TopupID][]billing.BalanceTopup{}
	took := map[billing.ChargeID]bool{}
	for _, p := range s.bank.captures() {
		took[p.first.ChargeID] = true
	}
	for _, t := range x.topups {
		switch {
		case t.Voucher != "":
			byVoucher[t.ID] = t
		case t.Rule == 0 || t.Rule == t.ID:
			made[t.Amount] = append(made[t.Amount], t)
		}
		if t.Rule != 0 {
			executions[t.Rule] = append(executions[t.Rule], t)
		}
		c := b.charges[t.Charge]
		if paid := t.State == billing.TopupCompleted && t.Charge != 0; paid != took[t.Charge] && c.State != billing.ChargeUnresolved {
			s.find("top-up %d is %s, and the bank took its money %t", t.ID, t.State, took[t.Charge])
		}
		s.count("top-up " + string(t.State))
	}
	for _, t := range s.topups {
		if t.params.Voucher != "" {
			if v := byVoucher[t.id]; t.id != 0 && (v.Owner != t.owner.id || v.Amount != t.params.Amount || v.State != billing.TopupCompleted) {
				s.find("%s was acknowledged as %d and is lost: %+v", t, t.id, v)
			}
			continue
		}
		list := made[t.params.Amount]
		delete(made, t.params.Amount)
		s.judgeTopup(b, t, list, took)
		for _, first := range list {
			if first.Rule != 0 {
				s.judgeRule(b, t, x.rules[first.Rule], executions[first.Rule])
			}
		}
	}
	for amount, list := range made {
		s.find("nobody asked for top-up %d of %s over %d", list[0].ID, list[0].Owner, amount)
	}
}

// judgeTopup: what was acknowledged is there, once, and has not changed its end unless
// money moved late; what was withdrawn was never taken.
func (s *simulation) judgeTopup(b *books, t *simTopup, list []billing.BalanceTopup, took map[billing.ChargeID]bool) {
	if len(list) > 1 || t.id != 0 && (len(list) != 1 || list[0].ID != t.id) {
		s.find("%s was acknowledged as %d and is lost, or was made again: %d are there", t, t.id, len(list))
		return
	}
	if len(list) == 0 {
		return
	}
	got := list[0]
	if got.Owner != t.owner.id || (got.Rule != 0) != (t.params.Rule != nil) || t.params.Card != nil && b.charges[got.Charge].Card != *t.params.Card {
		s.find("%s became %+v", t, got)
	}
	for _, end := range t.ends {
		if end == billing.TopupCompleted && got.State != billing.TopupCompleted || end != got.State && !s.confirmedByHand(got.Charge) && t.ended.IsZero() {
			s.find("%s was told as %s and is %s", t, end, got.State)
		}
	}
	if t.params.Rule == nil && !t.ended.IsZero() && (took[got.Charge] || got.State != billing.TopupCancelled) {
		s.find("%s was withdrawn and is %s, taken by the bank %t", t, got.State, took[got.Charge])
	}
}

// judgeRule: a period is charged once, when it has begun, and never after the last or
// after the end that was acknowledged; a period that is due was executed, or waits for a
// reason that is told.
func (s *simulation) judgeRule(b *books, asked *simTopup, r billing.TopupRule, executions []billing.BalanceTopup) {
	s.count("rule " + string(r.State))
	if r.Suspended != "" {
		s.count("rule suspended: " + string(r.Suspended))
	}
	length := 24 * time.Hour
	if r.Period == billing.TopupWeekly {
		length *= 7
	}
	var charges []billing.Charge
	counted, began := int64(0), map[int64]billing.ChargeID{}
	for _, t := range executions {
		if t.State == billing.TopupCompleted || t.State == billing.TopupFailed && t.Period > 0 {
			counted++
		}
		if t.Charge != 0 {
			charges = append(charges, b.charges[t.Charge])
		}
	}
	slices.SortFunc(charges, func(a, b billing.Charge) int { return int(a.ID - b.ID) })
	for i, c := range charges {
		n := int64(c.CreatedAt.Sub(r.Anchor) / length)
		if int64(i) > n {
			s.find("%s: charge %d is the %d. one in %d periods", asked, c.ID, i+1, n+1)
		}
		if other, twice := began[n]; twice && s.settings.MissedPeriods != billing.MissedAll {
			s.find("%s: charges %d and %d are of one period", asked, other, c.ID)
		}
		began[n] = c.ID
		if c.Credit != asked.params.Amount || c.Owner != asked.owner.id || asked.params.Card != nil && c.Card != *asked.params.Card {
			s.find("%s: charge %d is of %s, card %d, over %d", asked, c.ID, c.Owner, c.Card, c.Credit)
		}
		for _, a := range b.attempts[c.ID] {
			if !asked.ended.IsZero() && a.FirstAt.After(asked.ended) {
				s.find("%s: charge %d made an attempt %s after it was ended", asked, c.ID, a.FirstAt.Sub(asked.ended))
			}
		}
		if i > 0 {
			s.count("execution " + string(c.State))
		}
	}
	// What was paid late, after its rule had counted it as failed, is counted once.
	if asked.params.Rule != nil && r.Periods != nil && counted > *r.Periods && !slices.ContainsFunc(charges, func(c billing.Charge) bool { return s.confirmedByHand(c.ID) }) {
		s.find("%s was executed %d times", asked, counted)
	}
	// Of missed periods that are all made up a run executes one.
	caughtUp := s.settings.MissedPeriods == billing.MissedAll && slices.ContainsFunc(executions, func(t billing.BalanceTopup) bool { return !t.CreatedAt.Before(s.lastRun) })
	gone := !b.owners[r.Owner].DeletedAt.IsZero()
	switch {
	case !asked.ended.IsZero() && r.State == billing.RuleActive, gone && r.State == billing.RuleActive:
		s.find("%s was ended and goes on, its owner deleted %t", asked, gone)
	case r.State == billing.RuleActive && r.Suspended == "" && r.NextAt.Before(s.lastRun) && r.Reason == "" && !caughtUp:
		s.find("%s is due since %s, and nobody says why not", asked, r.NextAt)
	}
}

// waitingPeriod reports whether an open charge is one of a period that a block or a hold makes
// wait.
func waitingPeriod(c billing.Charge) bool {
	switch billing.Reason(c.Reason) {
	case billing.ReasonBlocked, billing.ReasonCustomerBlock, billing.ReasonExpired, billing.ReasonHeld:
		return strings.HasPrefix(c.Cause, "topup:") && c.Purpose == billing.PurposeRecurring && c.State == billing.ChargeCreated && c.DueAt.After(time.Now())
	}
	return false
}

// balanceTopupMutations are mistakes about these top-ups that the oracle has to find.
var balanceTopupMutations = []mutation{
	{"a period is charged twice", "are of one period", func() breakage {
		return breakage{store: changed(func(tx billing.Tx) billing.Tx { return twicePeriods{tx} })}
	}},
	{"a rule goes on after its last period", "was executed", func() breakage {
		return breakage{store: changed(func(tx billing.Tx) billing.Tx { return endlessRules{tx} })}
	}},
	{"the end of a rule is not kept", "was ended and goes on", func() breakage {
		return breakage{store: changed(func(tx billing.Tx) billing.Tx { return stubbornRules{tx} })}
	}},
	{"the charge of a top-up that was withdrawn stays", "is cancelled and its charge", func() breakage {
		return breakage{store: changed(func(tx billing.Tx) billing.Tx { return &lateWithdrawals{Tx: tx} })}
	}},
	{"the key of a top-up is forgotten", "was made again", func() breakage {
		return breakage{store: changed(func(tx billing.Tx) billing.Tx { return keylessTopups{tx} })}
	}},
	{"a paid top-up stays open", "U1", func() breakage {
		return breakage{store: changed(func(tx billing.Tx) billing.Tx { return openTopups{tx} })}
	}},
	{"the balance before a top-up is that after it", "U1 the balance around", func() breakage {
		return breakage{store: changed(func(tx billing.Tx) billing.Tx { return shiftedTopups{tx} })}
	}},
}

// twicePeriods executes a period again with every run, under the number of another: the
// index sees no clock.
type twicePeriods struct{ billing.Tx }

func (t twicePeriods) CreateBalanceTopup(b *billing.BalanceTopup) error {
	if b.Period > 0 {
		b.Period = 1_000_000 + int64(b.ID)
	}
	return t.Tx.CreateBalanceTopup(b)
}

func (t twicePeriods) SetTopupRule(r *billing.TopupRule) error {
	was, err := t.TopupRule(r.ID)
	kept := *r
	if err == nil && r.State == billing.RuleActive && r.Next > was.Next {
		kept.Next, kept.NextAt = was.Next, was.NextAt
	}
	return t.Tx.SetTopupRule(&kept)
}

// endlessRules counts no execution.
type endlessRules struct{ billing.Tx }

func (t endlessRules) SetTopupRule(r *billing.TopupRule) error {
	was, err := t.TopupRule(r.ID)
	kept := *r
	if err == nil && r.Done > was.Done {
		kept.Done = was.Done
		if kept.State == billing.RuleFinished {
			kept.State, kept.NextAt = was.State, was.NextAt
		}
	}
	return t.Tx.SetTopupRule(&kept)
}

// stubbornRules end only by themselves.
type stubbornRules struct{ billing.Tx }

func (t stubbornRules) SetTopupRule(r *billing.TopupRule) error {
	if r.State == billing.RuleCancelled {
		return nil
	}
	return t.Tx.SetTopupRule(r)
}

// lateWithdrawals leaves the charge of a top-up that was withdrawn; a worker that finds it
// unwanted afterwards may end it, or would look for ever.
type lateWithdrawals struct {
	billing.Tx
	withdrawn billing.ChargeID
}

func (t *lateWithdrawals) SetBalanceTopup(b *billing.BalanceTopup) error {
	if b.State == billing.TopupCancelled {
		t.withdrawn = b.Charge
	}
	return t.Tx.SetBalanceTopup(b)
}

func (t *lateWithdrawals) SetCharge(c *billing.Charge) error {
	if c.State == billing.ChargeCancelled && c.ID == t.withdrawn {
		return nil
	}
	return t.Tx.SetCharge(c)
}

type keylessTopups struct{ billing.Tx }

func (t keylessTopups) KeepAnswer(a *billing.KeptAnswer) error {
	if strings.HasPrefix(a.Key, "topup-") {
		return nil
	}
	return t.Tx.KeepAnswer(a)
}

type openTopups struct{ billing.Tx }

func (t openTopups) SetBalanceTopup(b *billing.BalanceTopup) error {
	if b.State == billing.TopupCompleted {
		return nil
	}
	return t.Tx.SetBalanceTopup(b)
}

type shiftedTopups struct{ billing.Tx }

func (t shiftedTopups) SetBalanceTopup(b *billing.BalanceTopup) error {
	kept := *b
	if b.Before != nil {
		kept.Before, kept.After = b.After, new(*b.After+b.Amount)
	}
	return t.Tx.SetBalanceTopup(&kept)
}
