package billing_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"topupd/billing"
)

// simOp is one operation: drawn from the seed first, run then, perhaps beside
// others and perhaps more than once.
type simOp struct {
	name string
	run  func(*process) error
	// again: who gets no answer asks again until there is one.
	again bool
	// owner is whom it is about: unknown once somebody deletes it.
	owner *simOwner
	// acked is called once when it was acknowledged.
	acked func()
	// refused says which answers are no surprise.
	refused []billing.Code
}

// draw is a random operation of the ones that may run beside each other.
func (s *simulation) draw() simOp {
	o := s.someone()
	switch n := s.rng.IntN(175); {
	case n >= 150:
		return s.drawBalanceTopup()
	case n >= 135:
		return s.drawAction(o)
	case n >= 115:
		return s.drawTopup(false)
	case n >= 110:
		return s.drawRecharge()
	case n >= 100:
		return s.drawPayment(o)
	case n < 38:
		return s.drawMove(o, billing.PostDebit, 1+s.rng.Int64N(20*o.scale))
	case n < 44:
		return s.drawMove(o, billing.PostCredit, 1+s.rng.Int64N(8*o.scale))
	case n < 48:
		return s.drawMove(o, billing.PostAddFunds, 1+s.rng.Int64N(8*o.scale))
	case n < 52:
		return s.drawTransfer(o)
	case n < 62:
		// Somebody pays while a charge is on its way.
		o = s.charged(o)
		return s.drawMove(o, billing.PostAddFunds, 30*o.scale)
	case n < 73:
		return s.drawWork()
	case n < 82:
		return simOp{name: "sweep", run: func(p *process) error {
			_, _, err := p.engine.RunLowBalance(p.ctx, billing.RunParams{Trigger: "command"})
			return err
		}}
	case n < 92:
		return simOp{name: "events", run: func(*process) error { s.office.deliver(); return nil }}
	default:
		return s.drawNight()
	}
}

// charged is an owner with an open charge, or the one that is given.
func (s *simulation) charged(o *simOwner) *simOwner {
	s.eachCharge(func(c billing.Charge, _ []billing.Attempt) {
		for _, other := range s.alive() {
			if c.Open() && other.id == c.Owner {
				o = other
			}
		}
	})
	return o
}

func (s *simulation) eachCharge(fn func(billing.Charge, []billing.Attempt)) {
	err := s.store.View(context.Background(), func(r billing.Reader) error {
		charges, err := r.Charges(billing.ChargeFilter{Limit: 1 << 20})
		for _, c := range charges {
			attempts, err := r.Attempts(c.ID)
			if err != nil {
				return err
			}
			fn(c, attempts)
		}
		return err
	})
	if err != nil {
		s.find("the charges cannot be read: %v", err)
	}
}

// drawWork is a worker that goes on until nothing is due.
func (s *simulation) drawWork() simOp {
	return simOp{name: "work", run: s.drain}
}

func (s *simulation) drain(p *process) error {
	if s.parallel {
		return p.engine.Drain(p.ctx)
	}
	return billing.DrainAlone(p.engine, p.ctx)
}

func (s *simulation) drawMove(o *simOwner, kind billing.PostingKind, micros int64) simOp {
	m := &simMove{effect: map[billing.OwnerID]int64{o.id: micros}}
	if kind == billing.PostDebit {
		m.effect[o.id] = -micros
	}
	m.params = billing.MoveFundsParams{Owner: o.id, Kind: kind, Amount: micros, Currency: o.unit}
	m.actor = billing.Actor{Login: "root", Customer: billing.Root, API: "test"}
	return s.move(m)
}

// drawTransfer is a customer that gives funds to one of its accounts.
func (s *simulation) drawTransfer(o *simOwner) simOp {
	micros := 1 + s.rng.Int64N(4*o.scale)
	if !o.id.IsAccount() {
		return s.drawMove(o, billing.PostAddFunds, micros)
	}
	parent := billing.Customer(10)
	m := &simMove{effect: map[billing.OwnerID]int64{o.id: micros, parent: -micros}}
	m.params = billing.MoveFundsParams{Owner: o.id, Kind: billing.PostAddFunds, Amount: micros, Currency: o.unit, FromParent: true}
	m.actor = billing.Actor{Login: "acme", Customer: parent, API: "test"}
	return s.move(m)
}

// move numbers a movement; with a key its caller may ask again.
func (s *simulation) move(m *simMove) simOp {
	m.params.Notes = fmt.Sprintf("move-%d", len(s.moves))
	if s.rng.IntN(10) < 7 {
		m.params.IdempotencyKey = m.params.Notes
	}
	s.moves = append(s.moves, m)
	name := fmt.Sprintf("%s %s of %s, %s", m.params.Kind, billing.FormatMicros(m.params.Amount), m.params.Owner, m.params.Notes)
	about := s.owners[slices.IndexFunc(s.owners, func(o *simOwner) bool { return o.id == m.params.Owner })]
	return simOp{name: name, owner: about, again: m.params.IdempotencyKey != "", acked: func() { m.acked = true }, run: func(p *process) error {
		_, err := p.engine.MoveFunds(billing.WithActor(p.ctx, m.actor), m.params)
		return err
	}}
}

// drawNight is the billing run of today, again if it ran already.
func (s *simulation) drawNight() simOp {
	key := time.Now().Format(time.DateOnly)
	return simOp{name: "night " + key, refused: []billing.Code{billing.Busy}, run: func(p *process) error {
		return p.engine.Fire(p.ctx, billing.JobBilling, key)
	}}
}

// lonely are operations that come one at a time.
func (s *simulation) lonely() simOp {
	o := s.someone()
	switch n := s.rng.IntN(220); {
	case n >= 185:
		return s.drawBalanceTopup()
	case n >= 150:
		return s.drawTopup(true)
	case n >= 125:
		return s.drawOwnerOp()
	case n >= 100:
		return s.drawCardOp()
	case n < 20:
		return s.drawPolicy(o)
	case n < 40:
		return s.drawToken(o)
	case n < 48:
		blocked := s.oneIn(3)
		return simOp{name: fmt.Sprintf("block %s %t", o.id, blocked), again: true, run: func(p *process) error {
			return p.engine.Import(p.ctx, false, func(im *billing.Importer) error {
				return im.Owner(billing.OwnerLine{Owner: o.id, Blocked: billing.To(blocked)})
			})
		}}
	case n < 53:
		return s.drawCreditLimit(o)
	case n < 70:
		return s.drawAtBank()
	case n < 82:
		return s.drawRefund()
	case n < 94:
		return simOp{name: fmt.Sprint("resume ", o.id), refused: []billing.Code{billing.Conflict}, run: func(p *process) error {
			return p.engine.ResumeOwner(p.ctx, o.id, 0, "asked for")
		}}
	default:
		return s.drawResolve()
	}
}

func (s *simulation) drawPolicy(o *simOwner) simOp {
	p := s.randomPolicy(s.rng, o)
	switch s.rng.IntN(5) {
	case 0:
		p = billing.SetLowBalanceParams{Owner: o.id, ChargeCard: billing.To(false)}
	case 1:
		p = billing.SetLowBalanceParams{Owner: o.id, ChargeCard: billing.To(true)}
	case 2:
		if len(o.cards) > 0 {
			p = billing.SetLowBalanceParams{Owner: o.id, Card: billing.To(o.cards[s.rng.IntN(len(o.cards))])}
		}
	case 3:
		p.Card = billing.ToNull[billing.CardID]()
	}
	return simOp{name: fmt.Sprint("policy of ", o.id), owner: o, again: true, acked: func() { o.remember(p) }, run: func(proc *process) error {
		return proc.engine.SetLowBalance(proc.ctx, p)
	}}
}

// drawCreditLimit gives an owner room below zero, or all of it.
func (s *simulation) drawCreditLimit(o *simOwner) simOp {
	limit := []billing.Change[int64]{billing.To(int64(0)), billing.To(5 * o.scale), billing.ToNull[int64]()}[s.rng.IntN(3)]
	return simOp{name: fmt.Sprintf("credit limit of %s", o.id), again: true, run: func(p *process) error {
		return p.engine.Import(p.ctx, false, func(im *billing.Importer) error {
			return im.Owner(billing.OwnerLine{Owner: o.id, CreditLimit: limit})
		})
	}}
}

// drawToken gives a card another token: the customer has a new card.
func (s *simulation) drawToken(o *simOwner) simOp {
	if len(o.cards) == 0 {
		return s.drawAddCard(o)
	}
	card := s.cardOf(o.cards[s.rng.IntN(len(o.cards))])
	token := s.token(s.rng)
	op := simOp{name: fmt.Sprintf("card %d is now %s", card.id, token.Reveal()), owner: o, again: true, acked: func() { card.token = token }}
	op.run = func(p *process) error {
		return p.engine.Import(p.ctx, false, func(im *billing.Importer) error {
			return im.Card(billing.CardLine{ID: card.id, Owner: o.id, Token: billing.To(token)})
		})
	}
	return op
}

// drawAtBank is what people do at the bank: refunds by hand, disputes,
// confirmed payments. The bank tells of it by events.
func (s *simulation) drawAtBank() simOp {
	took, stopped := s.bank.captures(), s.bank.stopped()
	what, n, won := s.rng.IntN(6), s.rng.IntN(100), s.oneIn(2)
	nothing := simOp{name: "nothing at the bank", run: func(*process) error { return nil }}
	if what == 5 {
		if len(stopped) == 0 {
			return nothing
		}
		p := stopped[n%len(stopped)]
		return simOp{name: "confirmed " + p.first.Key, run: func(*process) error { s.bank.confirm(p); return nil }}
	}
	if len(took) == 0 {
		return nothing
	}
	p := took[n%len(took)]
	part := p.first.Amount.Micros
	if half := part / 2; s.oneIn(2) && s.bank.Chargeable(billing.Money(half, p.first.Amount.Unit)) == nil {
		part = half
	}
	return simOp{name: fmt.Sprintf("at the bank: %s, %d", p.first.Key, what), run: func(*process) error {
		switch what {
		case 0, 1:
			s.bank.takeBack(p, part)
			if won {
				s.bank.bounce(n) // on the same day: the two events cross
			}
		case 2:
			s.bank.bounce(n)
		case 3:
			s.bank.warn(p)
		default:
			s.bank.dispute(p, won)
		}
		return nil
	}}
}

func (s *simulation) drawRefund() simOp {
	took := s.bank.captures()
	if len(took) == 0 {
		return simOp{name: "nothing to refund", run: func(*process) error { return nil }}
	}
	return s.refund(took[s.rng.IntN(len(took))])
}

func (s *simulation) refund(p *payment) simOp {
	params := billing.RefundParams{Charge: p.first.ChargeID, Reason: "asked for"}
	if half := p.first.Amount.Micros / 2; s.oneIn(2) && s.bank.Chargeable(billing.Money(half, p.first.Amount.Unit)) == nil {
		params.Amount = &half
	}
	about := s.owners[slices.IndexFunc(s.owners, func(o *simOwner) bool { return o.id == p.first.Owner })]
	return simOp{
		name: fmt.Sprint("refund charge ", params.Charge), owner: about, refused: []billing.Code{billing.Conflict, billing.Invalid},
		run: func(proc *process) error { _, err := proc.engine.RefundCharge(proc.ctx, params); return err },
	}
}

// drawResolve is a person who looked at the bank what became of a charge that
// nobody knows about.
func (s *simulation) drawResolve() simOp {
	s.bank.mu.Lock()
	defer s.bank.mu.Unlock()
	last := map[billing.ChargeID]*payment{}
	for _, p := range s.bank.list {
		last[p.first.ChargeID] = p
	}
	for _, p := range s.bank.list {
		if p.state != captured && p.state != refused || last[p.first.ChargeID] != p || !s.unknown(p.first.ChargeID) {
			continue
		}
		params := billing.ResolveParams{Charge: p.first.ChargeID, Captured: p.state == captured, Reference: p.ref, Reason: "seen there"}
		return simOp{
			name: fmt.Sprintf("resolve charge %d, captured %t", params.Charge, params.Captured), refused: []billing.Code{billing.Conflict},
			run: func(proc *process) error { _, err := proc.engine.ResolveCharge(proc.ctx, params); return err },
		}
	}
	return simOp{name: "nothing to resolve", run: func(*process) error { return nil }}
}

func (s *simulation) unknown(id billing.ChargeID) (yes bool) {
	s.eachCharge(func(c billing.Charge, _ []billing.Attempt) {
		yes = yes || c.ID == id && (c.State == billing.ChargeUnknown || c.State == billing.ChargeUnresolved)
	})
	return yes
}

// tries bounds how often one operation is asked for again.
const tries = 12

// do runs one operation until it is acknowledged, or once if nobody asks again.
func (s *simulation) do(op simOp) {
	s.note("%s", op.name)
	for range tries {
		p := s.living()
		if s.ran(op, p, op.run(p)) {
			return
		}
		time.Sleep(2*time.Minute + time.Second) // longer than a run's lease
	}
	s.find("%s was never acknowledged", op.name)
}

// ran judges an operation's answer: true when nobody asks again.
func (s *simulation) ran(op simOp, p *process, err error) bool {
	if err == nil {
		if op.acked != nil {
			s.mu.Lock()
			op.acked()
			s.mu.Unlock()
		}
		return true
	}
	code := billing.ErrorCode(err)
	s.mu.Lock()
	gone := code == billing.NotFound && op.owner != nil && op.owner.going
	s.mu.Unlock()
	if gone {
		return true
	}
	for _, c := range op.refused {
		if code == c {
			return true
		}
	}
	if !injected(err) && !p.isDead() && code != billing.Busy {
		s.find("%s: %v", op.name, err)
		return true
	}
	s.note("  failed: %v", err)
	return !op.again
}

// living is a process that lives; a dead one is started anew.
func (s *simulation) living() *process {
	i := s.rng.IntN(len(s.procs))
	s.revive()
	return s.procs[i]
}

func (s *simulation) revive() {
	for i, p := range s.procs {
		if !p.isDead() {
			continue
		}
		s.keepFailures(p)
		s.disturb()
		s.count("died " + p.place())
		s.note("process %d died %s and is started again", i, p.place())
		next := s.process(i)
		s.unsettle(next)
		s.mu.Lock()
		s.procs[i] = next
		s.mu.Unlock()
	}
}

func (s *simulation) keepFailures(p *process) {
	p.mu.Lock()
	failures := p.failed
	p.failed = nil
	p.mu.Unlock()
	for _, err := range failures {
		s.find("in the background: %v", err)
	}
}

// powerCut ends all processes at once and opens the file anew.
func (s *simulation) powerCut() {
	s.note("power cut")
	for _, p := range s.procs {
		p.kill()
	}
	s.closeFiles()
	s.store = openFile(s.t, s.path)
	for i := range s.servers {
		s.servers[i] = openFile(s.t, s.path)
	}
	s.revive()
}

func (s *simulation) closeFiles() {
	for _, f := range append(slices.Clone(s.servers), s.store) {
		if err := f.Close(); err != nil {
			s.find("close: %v", err)
		}
	}
}

// jump is time that passes.
func (s *simulation) jump() {
	waits := []time.Duration{time.Second, 15 * time.Second, 2 * time.Minute, 16 * time.Minute, time.Hour, 5 * time.Hour, 25 * time.Hour, 73 * time.Hour}
	d := waits[s.rng.IntN(len(waits))]
	s.note("%s pass", d)
	time.Sleep(d)
	s.bank.ripenAll()
}

// burst is many things at once, with workers beside them.
func (s *simulation) burst() {
	var ops []simOp
	for range 3 + s.rng.IntN(4) {
		ops = append(ops, s.draw())
	}
	switch o := s.someone(); {
	case s.oneIn(3):
		ops = append(ops, s.drawPolicy(o))
	case s.oneIn(4):
		ops = append(ops, s.drawToken(o))
	case s.oneIn(3):
		ops = append(ops, s.drawCardOp())
	}
	switch {
	case s.oneIn(4):
		m := s.newPayment(s.someone())
		ops = append(ops, s.pay(m), s.pay(m))
	case s.oneIn(4):
		v := s.vouchers[s.rng.IntN(len(s.vouchers))]
		ops = append(ops, s.recharge(s.anAccount(), v), s.recharge(s.anAccount(), v), s.recharge(s.anAccount(), v))
	case s.oneIn(4):
		ops = append(ops, s.drawOwnerOp())
	}
	s.together(ops)
}

// together runs operations at the same moment.
func (s *simulation) together(ops []simOp) {
	s.revive()
	if s.oneIn(3) {
		s.procs[s.rng.IntN(len(s.procs))].dieOf(deaths[s.rng.IntN(len(deaths))])
	}
	s.note("a burst of %d:", len(ops))
	failed := make([]bool, len(ops))
	var all sync.WaitGroup
	stop, end := context.WithCancel(context.Background())
	var workers sync.WaitGroup
	for _, p := range s.procs {
		workers.Go(func() {
			ctx, cancel := context.WithCancel(p.ctx)
			defer context.AfterFunc(stop, cancel)()
			defer cancel()
			p.engine.Work(ctx)
		})
	}
	for i, op := range ops {
		p := s.procs[i%len(s.procs)]
		all.Go(func() {
			s.note("  %s", op.name)
			failed[i] = !s.ran(op, p, op.run(p))
		})
	}
	all.Wait()
	time.Sleep(time.Duration(1+s.rng.IntN(5)) * time.Second)
	if s.stalls {
		// Long enough for the others to go on where a machine was paused.
		for range 3 {
			op := s.drawMove(s.charged(s.owners[0]), billing.PostAddFunds, 30*s.owners[0].scale)
			if p := s.anybody(); p != nil {
				s.ran(op, p, op.run(p))
			}
			time.Sleep(time.Duration(s.rng.IntN(40)) * time.Second)
		}
	}
	end()
	workers.Wait()
	for i, op := range ops {
		if failed[i] {
			time.Sleep(2*time.Minute + time.Second)
			s.do(op)
		}
	}
}

// step is one random step of the simulation.
func (s *simulation) step() {
	switch n := s.rng.IntN(100); {
	case n < 20:
		s.jump()
	case n < 38:
		s.do(s.lonely())
	case n < 48:
		s.living().dieOf(deaths[s.rng.IntN(len(deaths))])
		s.do(s.drawWork())
	case n < 49:
		s.powerCut()
	case n < 52:
		s.rush()
	case n < 55:
		s.impatient()
	case n < 57:
		s.farewell()
	case n < 58:
		s.stillborn()
	case n < 60:
		s.regret()
	case n < 70 && s.parallel:
		s.burst()
	case n < 73 && len(s.moves) > 0:
		s.repeat(s.moves[s.rng.IntN(len(s.moves))])
	default:
		s.do(s.draw())
		if s.oneIn(2) {
			s.do(s.drawWork())
		}
	}
	if s.settings.Breaker.Charges > 0 && s.oneIn(4) {
		s.do(simOp{name: "sending goes on", refused: []billing.Code{billing.Conflict}, run: func(p *process) error {
			return p.engine.ResumeSending(p.ctx, "the simulator")
		}})
	}
}

// rush is an owner who talks without end: the caps hold it.
func (s *simulation) rush() {
	o := s.someone()
	for i := range 8 {
		if s.hopeless != "" {
			s.insist(int64(i))
		}
		s.do(s.drawMove(o, billing.PostDebit, 10*o.scale))
		s.do(s.drawWork())
		time.Sleep(time.Duration(8+s.rng.IntN(16)) * time.Minute)
	}
}

// insist changes what is charged to and fro, so that suspensions end and a
// declined card is tried again and again.
func (s *simulation) insist(i int64) {
	for _, o := range s.alive() {
		p := billing.SetLowBalanceParams{Owner: o.id, ChargeCard: billing.To(true), ChargeAmount: billing.To((1 + i%2) * o.scale), Threshold: billing.To(10 * o.scale)}
		s.do(simOp{name: fmt.Sprint("insist on ", o.id), again: true, acked: func() { o.remember(p) }, run: func(proc *process) error {
			return proc.engine.SetLowBalance(proc.ctx, p)
		}})
	}
}

// repeat asks for a movement again that was acknowledged: answered, not booked.
func (s *simulation) repeat(m *simMove) {
	gone := slices.ContainsFunc(s.owners, func(o *simOwner) bool { return o.id == m.params.Owner && o.going })
	if m.params.IdempotencyKey == "" || !m.acked || gone {
		return
	}
	s.do(simOp{name: m.params.Notes + " again", again: true, run: func(p *process) error {
		res, err := p.engine.MoveFunds(billing.WithActor(p.ctx, m.actor), m.params)
		if err == nil && !res.Repeated {
			s.find("%s was acknowledged and then booked again", m.params.Notes)
		}
		return err
	}})
}

// rest lets the dust settle: the bank is honest, nobody dies, days go by.
func (s *simulation) rest() {
	s.note("the dust settles")
	s.bank.calmDown()
	s.revive()
	for _, p := range s.procs {
		p.dieOf("")
		p.mu.Lock()
		p.glitch = nil
		p.mu.Unlock()
	}
	s.shaky = 0
	p := s.procs[0]
	for _, wait := range restWaits {
		time.Sleep(wait)
		s.bank.ripenAll()
		s.office.deliver()
		if err := p.engine.ResumeSending(p.ctx, "the simulator"); err != nil && billing.ErrorCode(err) != billing.Conflict {
			s.find("when nothing is wrong: %v", err)
		}
		for _, err := range []error{
			func() error {
				_, _, err := p.engine.RunLowBalance(p.ctx, billing.RunParams{Trigger: "command"})
				return err
			}(),
			func() error {
				_, _, err := p.engine.RunProfiles(p.ctx, billing.RunParams{Trigger: "command"})
				return err
			}(),
			func() error {
				s.lastRun = time.Now()
				_, _, err := p.engine.RunRecurring(p.ctx, billing.RunParams{Trigger: "command"})
				return err
			}(),
			s.drain(p),
		} {
			if err != nil {
				s.find("when nothing is wrong: %v", err)
			}
		}
	}
}

// restWaits add up to more than any retry plan, any lease and three days of
// not knowing.
var restWaits = []time.Duration{
	time.Minute, 20 * time.Minute, time.Hour, 2 * time.Hour, 31 * time.Hour, 24 * time.Hour, 24 * time.Hour, 25 * time.Hour, 49 * time.Hour,
	49 * time.Hour, 49 * time.Hour, 49 * time.Hour, 73 * time.Hour, time.Minute, time.Hour, time.Hour,
	time.Minute, // what waited for a charge that ended in the last hour
}

// play is the whole simulation; it returns what the oracle found.
func (s *simulation) play(steps int) []string {
	for range steps {
		s.step()
	}
	s.rest()
	for _, p := range s.procs {
		s.keepFailures(p)
	}
	s.judge()
	s.closeFiles()
	return s.found
}
