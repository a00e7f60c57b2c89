package billing_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"topupd/billing"
)

// books is what our database says in the end.
type books struct {
	charges  map[billing.ChargeID]billing.Charge
	attempts map[billing.ChargeID][]billing.Attempt
	postings map[billing.PostingID]billing.Posting
	buckets  map[billing.OwnerID]int64
	policies map[billing.OwnerID]billing.LowBalance
	made     map[billing.ChargeID]billing.Decision // what led to a charge
	notices  []billing.Notice
	owners   map[billing.OwnerID]billing.Owner
	cards    map[billing.CardID]billing.Card
	vouchers map[billing.VoucherID]billing.Voucher
	refunds  []billing.Refund
	topups   topupBooks
	// decisions are all that were kept.
	decisions []billing.Decision
}

// judge holds our books against what happened outside: the bank's own list of
// payments, and what panels were told was done.
func (s *simulation) judge() {
	b, err := s.read()
	if err != nil {
		s.find("the books cannot be read: %v", err)
		return
	}
	b.topups = s.readTopups()
	wrong, err := s.store.Verify(context.Background(), 10)
	if err != nil {
		s.find("verify: %v", err)
	}
	for _, w := range wrong {
		s.find("verify: %s %s", w.Invariant, w.What)
	}
	for _, w := range s.bank.wrong {
		s.find("the bank complains: %s", w)
	}
	for _, l := range s.office.lost {
		s.find("an event was never taken: %s", l)
	}
	s.judgeCharges(b)
	s.judgeMoney(b)
	s.judgeMoves(b)
	s.judgeActions(b)
	s.judgeCaps(b)
	s.judgeRetries(b)
	s.judgeNetworks()
	s.judgeNotices(b)
	s.judgePolicies(b)
	s.judgeNobodyForgotten()
	s.judgeCards(b)
	s.judgePayments(b)
	s.judgeVouchers(b)
	s.judgeDeleted(b)
	s.judgeTopups(b)
	s.judgeBalanceTopups(b)
	s.tally(b)
}

// tally counts what this seed met.
func (s *simulation) tally(b *books) {
	for id, c := range b.charges {
		s.count("charge " + string(c.State))
		s.count("charge " + string(c.Purpose))
		if len(b.attempts[id]) > 1 {
			s.count("several attempts")
		}
		for _, a := range b.attempts[id] {
			if a.State == billing.AttemptDeclined {
				s.count("decline " + a.Class.String())
			}
		}
	}
	for _, p := range b.postings {
		s.count("posting " + string(p.Kind))
	}
	for _, d := range b.decisions {
		s.count("reason " + string(d.Reason))
	}
	for _, n := range b.notices {
		s.count("notice " + string(n.Kind))
		if s.mailed[fmt.Sprintf("notice-%d-%s", n.ID, s.store.Instance())] > 1 {
			s.count("mail twice")
		}
	}
}

func (s *simulation) read() (*books, error) {
	var b *books
	err := s.store.View(context.Background(), func(r billing.Reader) error {
		b = &books{
			charges: map[billing.ChargeID]billing.Charge{}, attempts: map[billing.ChargeID][]billing.Attempt{},
			postings: map[billing.PostingID]billing.Posting{}, buckets: map[billing.OwnerID]int64{},
			policies: map[billing.OwnerID]billing.LowBalance{}, made: map[billing.ChargeID]billing.Decision{},
			owners: map[billing.OwnerID]billing.Owner{}, cards: map[billing.CardID]billing.Card{}, vouchers: map[billing.VoucherID]billing.Voucher{},
		}
		charges, err := r.Charges(billing.ChargeFilter{Limit: 1 << 20})
		if err != nil {
			return err
		}
		for _, c := range charges {
			b.charges[c.ID] = c
			if b.attempts[c.ID], err = r.Attempts(c.ID); err != nil {
				return err
			}
			refunds, err := r.RefundsOf(c.ID)
			if err != nil {
				return err
			}
			b.refunds = append(b.refunds, refunds...)
		}
		for _, o := range s.owners {
			if err := b.readOwner(r, o); err != nil {
				return err
			}
		}
		if b.decisions, err = r.Decisions(0, 0, 1<<20); err != nil {
			return err
		}
		for _, d := range b.decisions {
			if d.Reason == billing.ReasonCharge && d.Made != 0 {
				b.made[d.Made] = d
			}
		}
		cards, err := r.Cards(0, 1<<20)
		if err != nil {
			return err
		}
		for _, c := range cards {
			b.cards[c.ID] = c
		}
		vouchers, err := r.Vouchers(0, 1<<20)
		if err != nil {
			return err
		}
		for _, v := range vouchers {
			b.vouchers[v.ID] = v
		}
		b.notices, err = r.Notices(0, 0, 1<<20)
		return err
	})
	return b, err
}

func (b *books) readOwner(r billing.Reader, o *simOwner) error {
	j, err := r.Judged(o.id)
	if err != nil {
		return err
	}
	b.owners[o.id] = j.Owner
	b.buckets[o.id], b.policies[o.id] = j.Bucket.Balance, j.Policy
	postings, err := r.Postings(o.id, 0, 1<<20)
	for _, p := range postings {
		b.postings[p.ID] = p
	}
	return err
}

// judgeCharges: a need is captured at most once, a capture is credited exactly
// once, nothing is credited that was not captured, and every charge has ended,
// or waits for a person or its next try.
func (s *simulation) judgeCharges(b *books) {
	took := map[billing.ChargeID]*payment{}
	needs := map[string]billing.ChargeID{}
	for _, p := range s.bank.captures() {
		id := p.first.ChargeID
		if took[id] != nil {
			s.find("charge %d was captured twice: %s and %s", id, took[id].first.Key, p.first.Key)
		}
		took[id] = p
		c, known := b.charges[id]
		switch {
		case !known:
			s.find("the bank captured %s of charge %d, which is not there", p.first.Key, id)
		case c.State == billing.ChargeUnresolved && !p.told:
			// A person will find out.
		case c.State != billing.ChargeSucceeded:
			s.find("charge %d was captured at the bank and is %s here (%s)", id, c.State, c.Reason)
		case p.first.Amount != billing.Money(c.Gross, c.Unit) || p.first.Owner != c.Owner:
			s.find("charge %d of %s over %d: the bank captured %s of %s", id, c.Owner, c.Gross, p.first.Amount, p.first.Owner)
		}
		if other, twice := needs[c.Cause]; twice {
			s.find("charges %d and %d answer the same need %s", other, id, c.Cause)
		}
		needs[c.Cause] = id
	}
	for id, c := range b.charges {
		if c.State == billing.ChargeSucceeded && took[id] == nil {
			s.find("charge %d succeeded and the bank captured nothing", id)
		}
		s.judgeEnd(b, c)
	}
}

// judgeEnd: after days without faults a charge that is open is a declined one
// that waits for its next try, or one that the bank never told of.
func (s *simulation) judgeEnd(b *books, c billing.Charge) {
	if !c.Open() {
		return
	}
	attempts := b.attempts[c.ID]
	last := billing.Attempt{State: "none"}
	if len(attempts) > 0 {
		last = attempts[len(attempts)-1]
	}
	pay := s.bank.payments[last.Key]
	muted := pay != nil && pay.muted
	switch {
	case c.State == billing.ChargeUnresolved && (pay == nil || !pay.told):
		// No event told of it, and for three days no answer did.
	case c.State == billing.ChargeCreated && last.State == billing.AttemptDeclined && c.DueAt.After(time.Now()):
	case waitingPeriod(c):
	case c.State == billing.ChargeUnknown && muted && time.Since(last.SubmittedAt) < 96*time.Hour:
	default:
		s.find("charge %d is still %s, its last attempt %s since %s, due %s, leased until %s", c.ID, c.State, last.State, last.SubmittedAt, c.DueAt, c.LeaseUntil)
	}
}

// judgeMoney: what our ledger says of the bank is what the bank kept, charge by
// charge (C8), and a capture is one posting.
func (s *simulation) judgeMoney(b *books) {
	cash, credits := map[billing.ChargeID]int64{}, map[billing.ChargeID]int{}
	for _, p := range b.postings {
		if p.Kind == billing.PostCharge {
			credits[p.Charge]++
		}
		for _, e := range p.Entries {
			if e.Account == billing.CashAccount(bankName) {
				cash[p.Charge] -= e.Micros
			}
		}
	}
	kept := map[billing.ChargeID]int64{}
	for _, p := range s.bank.list {
		if b.charges[p.first.ChargeID].State != billing.ChargeUnresolved {
			kept[p.first.ChargeID] += p.kept()
		}
	}
	for id, c := range b.charges {
		if cash[id] != kept[id] {
			s.find("charge %d of %s: the bank kept %s, the ledger says %s", id, c.Owner, billing.FormatMicros(kept[id]), billing.FormatMicros(cash[id]))
		}
		if want := c.State == billing.ChargeSucceeded; credits[id] > 1 || (credits[id] == 1) != want {
			s.find("charge %d is %s and credited %d times", id, c.State, credits[id])
		}
	}
}

// judgeMoves: what was acknowledged is booked once, what was not at most once,
// and nothing else moved a balance but charges, prices and what went back.
func (s *simulation) judgeMoves(b *books) {
	booked := map[string]int{}
	want := map[billing.OwnerID]int64{}
	for _, p := range b.postings {
		for _, e := range p.Entries {
			if s.actions[p.Notes] != nil {
				continue // by what was asked for, below
			}
			switch p.Kind {
			case billing.PostAddFunds, billing.PostCredit, billing.PostDebit:
			default:
				if e.Owner != 0 && len(e.Unit) == 3 {
					want[e.Owner] += e.Micros
				}
			}
		}
		if p.Notes != "" {
			booked[p.Notes]++
		}
	}
	for _, m := range s.moves {
		n := booked[m.params.Notes]
		if n > 1 || m.acked && n != 1 {
			s.find("%s is booked %d times, acknowledged %t", m.params.Notes, n, m.acked)
		}
		for o, micros := range m.effect {
			want[o] += int64(n) * micros
		}
	}
	for name, x := range s.actions {
		for o, micros := range x.effect {
			want[o] += int64(booked[name]/x.postings) * micros
		}
	}
	for _, o := range s.owners {
		if got := b.buckets[o.id]; got != want[o.id] {
			s.find("%s has %s, by what was asked for it is %s", o.id, billing.FormatMicros(got), billing.FormatMicros(want[o.id]))
		}
	}
	s.judgeForeign(b)
}

// judgeForeign: the only other postings are the opening balances, prices once
// per period, what went back to cards, and balance actions.
func (s *simulation) judgeForeign(b *books) {
	opening, prices := map[billing.OwnerID]int64{}, map[string]bool{}
	for _, p := range b.postings {
		if s.actions[p.Notes] != nil {
			continue
		}
		switch p.Kind {
		case billing.PostAdjustment:
			opening[p.Entries[0].Owner] += p.Entries[0].Micros
		case billing.PostServiceCharge:
			key := fmt.Sprint(p.Entries[0].Owner, p.Notes)
			if prices[key] {
				s.find("the price of %s was posted twice", key)
			}
			prices[key] = true
		case billing.PostAddFunds, billing.PostCredit, billing.PostDebit, billing.PostCharge, billing.PostRefund, billing.PostDispute, billing.PostVoucher,
			billing.PostPrepaid, billing.PostPoolTopUp:
		default:
			s.find("a posting of kind %s, which nobody asked for", p.Kind)
		}
	}
	for _, o := range s.owners {
		if opening[o.id] != o.opening {
			s.find("%s came with %s, booked is %s", o.id, billing.FormatMicros(o.opening), billing.FormatMicros(opening[o.id]))
		}
	}
}

// judgeCaps holds the caps against the bank's list: 15 minutes between
// low-balance captures of one owner, 5 in 24 hours, the money of a day; and that
// each was decided while low.
func (s *simulation) judgeCaps(b *books) {
	type capture struct {
		at    time.Time
		gross int64
	}
	low := map[billing.OwnerID][]capture{}
	day := map[string]int64{}
	for _, p := range s.bank.captures() {
		c := b.charges[p.first.ChargeID]
		if p.byHand {
			continue // the customer did that
		}
		if c.Purpose == billing.PurposeLowBalance {
			low[c.Owner] = append(low[c.Owner], capture{p.at, c.Gross})
		}
		if c.State == billing.ChargeSucceeded && c.Purpose.Automatic() {
			day[fmt.Sprint(c.Owner, " ", c.SettledAt.Format(time.DateOnly))] += c.Gross
		}
	}
	limits := s.settings.Limits
	for o, list := range low {
		slices.SortFunc(list, func(a, b capture) int { return a.at.Compare(b.at) })
		for i := range list {
			if i > 0 && list[i].at.Sub(list[i-1].at) < limits.Interval {
				s.find("%s was charged twice within %s", o, list[i].at.Sub(list[i-1].at))
			}
			if n := limits.DailyCount; i >= n && list[i].at.Sub(list[i-n].at) < 24*time.Hour {
				s.find("%s was charged more than %d times in 24 hours", o, n)
			}
		}
	}
	for key, sum := range day {
		if limits.CapDay > 0 && sum > limits.CapDay {
			s.find("%s: charged %s, over the cap of the day", key, billing.FormatMicros(sum))
		}
	}
	for id, c := range b.charges {
		d, kept := b.made[id]
		if c.Purpose != billing.PurposeLowBalance {
			continue
		}
		if !kept || d.Available == nil || d.Threshold == nil || *d.Available >= *d.Threshold {
			s.find("charge %d was made without a need: %+v", id, d)
		}
	}
}

// judgeRetries: a declined charge is tried again by its plan, not sooner and
// not more often, and under a new key only when the bank said no.
func (s *simulation) judgeRetries(b *books) {
	by := map[billing.ChargeID][]*payment{}
	for _, p := range s.bank.list {
		by[p.first.ChargeID] = append(by[p.first.ChargeID], p)
	}
	for id, list := range by {
		c := b.charges[id]
		for i, p := range list[1:] {
			before := list[i]
			wait, ok := s.retryAfter(c, i+1, &b.topups)
			switch {
			case !ok:
				s.find("charge %d was tried %d times", id, len(list))
			case before.verdict != soft:
				s.find("charge %d was tried again after verdict %d", id, before.verdict)
			case p.seen.Sub(before.at) < wait:
				s.find("charge %d was tried again %s after its %d. decline", id, p.seen.Sub(before.at), i+1)
			}
		}
	}
}

// judgeNetworks: a card that was declined as often as its network allows is not
// tried again, whoever stored it and under whichever need.
func (s *simulation) judgeNetworks() {
	// Tries that are on their way are not declined yet: a worker takes up the next one
	// while an answer is booked.
	slack := 1
	if s.parallel {
		slack = len(s.owners) + 4 // people pay beside the automatic charges
	}
	for i, p := range s.bank.list {
		visa := s.bank.cardOf(p).Brand == "Visa"
		day, month := 0, 0
		for _, q := range s.bank.list[:i] {
			age := p.seen.Sub(q.at)
			if q.state != refused || q.first.Token != p.first.Token || age >= 30*24*time.Hour || age < 0 {
				continue
			}
			if visa && q.first.Amount != p.first.Amount {
				continue
			}
			month++
			if age < 24*time.Hour {
				day++
			}
		}
		switch {
		case visa && month >= 15+slack:
			s.find("%s: a Visa card was tried for the %d. time in 30 days after declines", p.first.Key, month+1)
		case !visa && (day >= 10+slack || month >= 35+slack):
			s.find("%s: a Mastercard was tried after %d declines in a day, %d in 30 days", p.first.Key, day, month)
		}
	}
}

// judgeNotices: every notice was mailed or given up, again only when a process
// died or a transaction failed meanwhile, with two mails on their way at most, and a
// success is told once.
func (s *simulation) judgeNotices(b *books) {
	again, receipts := 0, map[billing.OwnerID]int{}
	for _, n := range b.notices {
		id := fmt.Sprintf("notice-%d-%s", n.ID, s.store.Instance())
		switch {
		case n.State == billing.NoticePending:
			s.find("a notice of kind %s is still pending", n.Kind)
		case n.State == billing.NoticeSent && s.mailed[id] == 0:
			s.find("a notice of kind %s was not mailed", n.Kind)
		}
		again += max(s.mailed[id]-1, 0)
		if n.Kind == billing.NoticeReceipt {
			receipts[n.Owner]++
		}
		s.judgeAlarm(n)
	}
	if again > 2*s.disturbed {
		s.find("%d mails were sent again, with %d disturbances", again, s.disturbed)
	}
	for _, c := range b.charges {
		if c.State == billing.ChargeSucceeded {
			receipts[c.Owner]--
		}
	}
	for o, n := range receipts {
		if n != 0 {
			s.find("%s has %d receipts too many", o, n)
		}
	}
}

// judgeAlarm: two alarms say that something went wrong which only the bank, or
// a customer who confirmed a refused payment, may have done.
func (s *simulation) judgeAlarm(n billing.Notice) {
	if strings.HasPrefix(n.Cause, "alarm:"+string(billing.AlarmCapturedTwice)) {
		s.find("alarm: %s", n.Subject)
	}
	charge, late := strings.CutPrefix(n.Cause, "alarm:"+string(billing.AlarmLateCapture)+":charge:")
	for _, p := range s.bank.list {
		if late && !p.byHand && charge == fmt.Sprint(p.first.ChargeID) && p.state == captured {
			s.find("alarm: %s", n.Subject)
		}
	}
}

// judgePolicies: a policy is what was acknowledged last.
func (s *simulation) judgePolicies(b *books) {
	show := func(p billing.LowBalance) string {
		text := fmt.Sprint(p.NotifyByEmail, p.ChargeCard, p.ChargeAmount, p.BRChargeCard)
		for _, n := range []*int64{p.Threshold, p.BRChargeAmount, (*int64)(p.Card)} {
			if n == nil {
				text += " nil"
			} else {
				text += fmt.Sprint(" ", *n)
			}
		}
		return text
	}
	for _, o := range s.alive() {
		if got, want := show(b.policies[o.id]), show(o.want); got != want {
			s.find("the policy of %s is %s, acknowledged was %s", o.id, got, want)
		}
	}
}

// judgeNobodyForgotten: after a sweep nobody is left who could be charged.
func (s *simulation) judgeNobodyForgotten() {
	p := s.procs[0]
	rows := map[billing.OwnerID]billing.ThresholdRow{}
	for row, err := range p.engine.Thresholds(p.ctx, billing.ThresholdFilter{}) {
		if err != nil {
			s.find("thresholds: %v", err)
			return
		}
		if d := row.Decision; d.Charge != nil {
			rows[row.Owner.ID] = row
		}
	}
	for _, o := range slices.Sorted(maps.Keys(rows)) {
		s.find("%s is low and could be charged, and nobody looks: %+v", o, rows[o].Policy.State)
	}
}
