package billing_test

import (
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"topupd/billing"
	"topupd/db"
	"topupd/db/dbtest"
)

// simulation is one seed: a few owners, cards and plans, a bank that lies, is
// silent and tells twice, processes that die, and a list of random operations.
// Everything random comes from the seed; a seed that runs one thing at a time
// does the same again.
type simulation struct {
	t        *testing.T
	seed     uint64
	rng      *rand.Rand
	path     string
	store    *db.Store
	bank     *bank
	gate     billing.Gateway
	office   *postOffice
	settings billing.Settings
	broken   breakage
	parallel bool
	levies   bool
	stalls   bool
	hopeless billing.Secret // the token of all cards
	shaky    int            // of 100 transactions, how many fail
	procs    []*process
	servers  []*db.Store // each process's own, when they are on several servers
	owners   []*simOwner
	cards    []*simCard
	payments []*simPayment
	vouchers []*simVoucher
	debts    map[billing.OwnerID]*simDebt // of customers with a profile
	orders   []*simOrder
	pools    []*simPool
	topups   []*simTopup
	lastRun  time.Time             // of rules, while the dust settles
	actions  map[string]*simAction // by their names
	named    int                   // how many names and amounts were given out

	mu     sync.Mutex
	moves  []*simMove
	tail   []string
	found  []string
	mailed map[string]int
	// disturbed counts deaths and failed transactions: each may send a mail again.
	disturbed int
	begun     time.Time
	counts    map[string]int // what happened, for the coverage
}

// breakage is a deliberate mistake, for the test of the oracle.
type breakage struct {
	store   func(billing.Store) billing.Store
	gateway func(billing.Gateway) billing.Gateway
}

// simOwner is an owner and what its panel was last told to keep.
type simOwner struct {
	id    billing.OwnerID
	unit  billing.Unit
	scale int64 // millionths of a minor unit's hundred: a "unit" of money
	cards []billing.CardID
	plan  bool
	want  billing.LowBalance
	// opening is the balance it came with.
	opening int64
	// going: somebody asked for its end, since leaves; deleted is when that was
	// acknowledged.
	going           bool
	leaves, deleted time.Time
}

// simMove is one movement of funds that a panel asked for.
type simMove struct {
	params billing.MoveFundsParams
	actor  billing.Actor
	effect map[billing.OwnerID]int64
	acked  bool
}

// tailLength is how many of the last operations a failing seed tells.
const tailLength = 40

func newSimulation(t *testing.T, seed uint64, broken breakage) *simulation {
	s := &simulation{
		t: t, seed: seed, rng: rand.New(rand.NewPCG(seed, 1)), path: dbtest.Address(t), bank: newBank(), mailed: map[string]int{},
		settings: billing.DefaultSettings(), begun: time.Now(), broken: broken,
		counts: map[string]int{}, actions: map[string]*simAction{},
	}
	s.settings.AuditDays, s.settings.AnswerDays = 0, 0 // what an hourly look at them meets is no part of a seed
	s.store = openFile(t, s.path)
	s.office = &postOffice{rng: rand.New(rand.NewPCG(seed, 2)), take: s.hear}
	s.bank.post = s.office
	s.bank.plan, s.bank.issuer = s.faultPlan(), s.issuer
	s.bank.committed = committedIn(func() billing.Store { return s.store })
	s.bank.replays = s.oneIn(3)
	s.gate = s.bank
	if s.oneIn(2) {
		s.gate = twoStepBank{s.bank}
	}
	s.choose()
	processes := 1 + s.rng.IntN(2)
	if s.parallel {
		processes = 2 + s.rng.IntN(2)
	}
	for i := range processes {
		if s.parallel && s.seed%2 == 0 {
			s.servers = append(s.servers, openFile(t, s.path))
		}
		s.procs = append(s.procs, s.process(i))
	}
	s.populate()
	for _, p := range s.procs {
		s.unsettle(p)
	}
	return s
}

// oneIn is true once in n.
func (s *simulation) oneIn(n int) bool { return s.rng.IntN(n) == 0 }

// choose is what differs from seed to seed beside the operations.
func (s *simulation) choose() {
	set := &s.settings
	set.GatewayTimeout = 2500 * time.Millisecond
	s.parallel = s.oneIn(3)
	set.ChargeConcurrency = 1
	// One thing at a time: nobody works while a payment is waited for.
	set.PaymentWait = time.Duration(s.rng.IntN(2)) * time.Second
	if s.parallel {
		set.ChargeConcurrency, set.PaymentWait = 4, 5*time.Second
	}
	if s.oneIn(3) {
		set.Limits.CapDay = 40 * usd
	}
	if s.oneIn(3) {
		set.ChargeRate = 10
	}
	if s.oneIn(6) {
		set.Breaker.Charges = 2
	}
	s.levies = s.oneIn(3)
	set.StackExpected = s.oneIn(4)
	if s.stalls = s.parallel && s.oneIn(2); s.stalls {
		set.GatewayTimeout = 20 * time.Second
	}
	if s.oneIn(8) {
		s.hopeless = []billing.Secret{"tok-broke-1", "tok-broke-22"}[s.rng.IntN(2)]
		set.Limits.DailyCount, set.Limits.CapDay = 50, 0
	}
	set.MissedPeriods = []billing.MissedPeriods{billing.MissedCurrent, billing.MissedAll, billing.MissedNone}[s.rng.IntN(3)]
	if s.oneIn(2) {
		s.shaky = 5
	}
}

// at is a random source for one place: the same whatever order things come in.
func (s *simulation) at(what string, numbers ...int64) *rand.Rand {
	h := fnv.New64a()
	fmt.Fprint(h, what, numbers)
	return rand.New(rand.NewPCG(s.seed, h.Sum64()))
}

// faultPlan is how often calls go wrong; it gets better with every try of the
// same thing, or nothing would ever end.
func (s *simulation) faultPlan() func(call) fault {
	rate := []int{5, 30, 60, 90}[s.rng.IntN(4)]
	mutes := s.oneIn(4)
	if s.broken.store != nil || s.broken.gateway != nil {
		rate = 60 // a mistake that shows only beside faults is found sooner
	}
	return func(c call) fault {
		r := s.at(c.kind, int64(c.charge), int64(c.n), int64(c.nth))
		if r.IntN(100) >= rate/(1+c.nth/4) {
			if c.kind == "charge" && r.IntN(6) == 0 {
				s.count("fault eventFirst")
				return eventFirst
			}
			return honest
		}
		f := fault(1 + r.IntN(int(faults)-1))
		if f == mute && !mutes {
			f = silentAfter
		}
		s.count("fault " + f.String())
		return f
	}
}

// Tokens of the pool by what their issuer says. Owners share them: one token is
// one card, whoever stored it.
var simTokens = []billing.Secret{
	"tok-good-1", "tok-good-2", "tok-good-33", "tok-good-44", "tok-poor-1", "tok-poor-22", "tok-broke-1", "tok-lost-1", "tok-sca-1",
}

// token is one of the pool; in a hopeless seed all have the same empty card.
func (s *simulation) token(r *rand.Rand) billing.Secret {
	if s.hopeless != "" {
		return s.hopeless
	}
	return simTokens[r.IntN(len(simTokens))]
}

func (s *simulation) issuer(charge billing.ChargeID, n int, token billing.Secret) verdict {
	r := s.at("issuer", int64(charge), int64(n))
	says := func(percent int, v verdict) verdict {
		if r.IntN(100) < percent {
			return v
		}
		return approve
	}
	switch token.Reveal()[:7] {
	case "tok-poo":
		return says(60, soft)
	case "tok-bro":
		return soft
	case "tok-los":
		return says(70, hard)
	case "tok-sca":
		return says(70, authenticate)
	}
	return says(5, soft)
}

// glitches is how often a transaction of a process fails while it lives on.
func (s *simulation) glitches() func() glitch {
	r := rand.New(rand.NewPCG(s.seed, uint64(len(s.tail)+len(s.procs))))
	return func() glitch {
		if r.IntN(100) >= s.shaky {
			return noGlitch
		}
		s.disturb()
		return glitch(1 + r.IntN(3))
	}
}

// unsettle gives a process the troubles of its seed.
func (s *simulation) unsettle(p *process) {
	if s.shaky > 0 {
		p.glitch = s.glitches()
	}
	if !s.stalls {
		return
	}
	r := rand.New(rand.NewPCG(s.seed, 4))
	var mu sync.Mutex
	p.stall = func() time.Duration {
		mu.Lock()
		defer mu.Unlock()
		if s.calm() || r.IntN(5) > 0 {
			return 0
		}
		return time.Duration(r.IntN(90)) * time.Second
	}
}

func (s *simulation) calm() bool {
	s.bank.mu.Lock()
	defer s.bank.mu.Unlock()
	return s.bank.calm
}

func (s *simulation) disturb() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.disturbed++
}

// process is a new one in a place.
func (s *simulation) process(place int) *process {
	var store billing.Store = s.store
	if len(s.servers) > 0 {
		store = s.servers[place]
	}
	if s.broken.store != nil {
		store = s.broken.store(store)
	}
	gate := s.gate
	if s.broken.gateway != nil {
		gate = s.broken.gateway(gate)
	}
	return newProcess(ports{store: store, gateways: []billing.Gateway{gate}, mail: s.post, settings: s.settings, levies: s.levies})
}

// post is a mail server that is down now and then.
func (s *simulation) post(m billing.Mail) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.mailed[m.ID]
	if n == 0 && s.at("mail "+m.Subject, int64(len(m.Body))).IntN(20) == 0 {
		return &billing.PermanentError{Err: errors.New("mailbox unavailable")}
	}
	s.mailed[m.ID]++
	return nil
}

// hear hands an event of the bank to a process that lives.
func (s *simulation) hear(ev billing.GatewayEvent) error {
	p := s.anybody()
	if p == nil {
		return errKilled
	}
	err := p.engine.GatewayEvent(p.ctx, bankName, ev)
	switch {
	case err == nil, injected(err), billing.ErrorCode(err) == billing.Busy:
	case billing.ErrorCode(err) == billing.NotFound && ev.Key == "":
	default:
		s.find("event %s %s of %q: %v", ev.ID, ev.Kind, ev.Key, err)
	}
	return err
}

// anybody is the first process that lives; nil when all are dead.
func (s *simulation) anybody() *process {
	s.mu.Lock()
	procs := s.procs
	s.mu.Unlock()
	for _, p := range procs {
		if !p.isDead() {
			return p
		}
	}
	return nil
}

func (s *simulation) count(what string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts[what]++
}

func (s *simulation) find(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.found) < 20 {
		s.found = append(s.found, fmt.Sprintf(format, args...))
	}
}

// note keeps an operation for the tail that a failing seed tells.
func (s *simulation) note(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	line := fmt.Sprintf("%-12s %s", time.Since(s.begun).Truncate(time.Second), fmt.Sprintf(format, args...))
	s.tail = append(s.tail, line)
	if len(s.tail) > tailLength {
		s.tail = s.tail[1:]
	}
}

// populate makes the owners: a customer that pays for itself, and some accounts.
func (s *simulation) populate() {
	p := s.procs[0]
	n := 1 + s.rng.IntN(3)
	err := p.engine.Import(p.ctx, false, func(im *billing.Importer) error {
		s.owners, s.cards = nil, nil
		r := rand.New(rand.NewPCG(s.seed, 3)) // the function may run again
		for i, onFailure := range []string{"block", "tariff", "overdraw"} {
			for k, unit := range []string{"USD", "JPY"} {
				line := billing.PlanLine{
					ID: billing.PlanID(1 + i + 3*k), Name: billing.To("p"), Price: billing.To(7 * scaleOf(billing.Unit(unit))),
					Currency: billing.To(unit), Cycle: billing.To("weekly"), OnFailure: billing.To(onFailure), Prepaid: billing.To(i != 2),
				}
				if err := im.Plan(line); err != nil {
					return err
				}
			}
		}
		unit := billing.Unit("USD")
		if r.IntN(4) == 0 {
			unit = "JPY"
		}
		if err := s.owner(im, r, billing.Customer(10), billing.Root, unit); err != nil {
			return err
		}
		for i := range n {
			if err := s.owner(im, r, billing.Account(int64(100+i)), billing.Customer(10), unit); err != nil {
				return err
			}
		}
		if err := s.owner(im, r, billing.Customer(20), billing.Customer(10), unit); err != nil {
			return err
		}
		if err := s.importTopups(im); err != nil {
			return err
		}
		return s.importVouchers(im, unit)
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

// scaleOf is a handy amount of a currency: a dollar, a hundred yen.
func scaleOf(u billing.Unit) int64 {
	if u == "JPY" {
		return 100 * billing.Micro
	}
	return billing.Micro
}

func (s *simulation) owner(im *billing.Importer, r *rand.Rand, id, parent billing.OwnerID, unit billing.Unit) error {
	o := &simOwner{id: id, unit: unit, scale: scaleOf(unit), want: billing.NewLowBalance(id)}
	o.opening = int64(r.IntN(30)) * o.scale
	l := billing.OwnerLine{
		Owner: id, Parent: billing.To(parent.Number()), Name: billing.To("Alice Rose"), Currency: billing.To(string(unit)),
		Balance: billing.To(o.opening), Email: billing.To("alice@acme.example"),
	}
	if id.IsAccount() && r.IntN(2) == 0 {
		plan := 1 + int64(r.IntN(3))
		if unit == "JPY" {
			plan += 3
		}
		o.plan = true
		l.Plan, l.NextBillingAt = billing.To(plan), billing.To(s.begun.Add(time.Duration(r.IntN(96))*time.Hour))
	}
	if err := im.Owner(l); err != nil {
		return err
	}
	for i := range 1 + r.IntN(2) {
		card := billing.CardID(id.Number()*10 + int64(id.Kind())*5 + int64(i))
		token := s.token(r)
		s.keepCard(o, card, token)
		if err := im.Card(billing.CardLine{ID: card, Owner: id, Token: billing.To(token), Primary: billing.To(i == 0)}); err != nil {
			return err
		}
	}
	p := s.randomPolicy(r, o)
	s.owners = append(s.owners, o)
	o.remember(p)
	return im.LowBalance(p)
}

// randomPolicy mostly charges.
func (s *simulation) randomPolicy(r *rand.Rand, o *simOwner) billing.SetLowBalanceParams {
	p := billing.SetLowBalanceParams{Owner: o.id, Threshold: billing.To(int64(r.IntN(12)-1) * o.scale)}
	p.NotifyByEmail = billing.To(r.IntN(3) > 0)
	p.ChargeCard = billing.To(r.IntN(5) > 0)
	p.ChargeAmount = billing.To(int64(1+r.IntN(15)) * o.scale)
	if r.IntN(4) == 0 {
		p.RetryCount, p.RetryInterval = billing.To(int64(r.IntN(3))), billing.To(int64(1+r.IntN(30)))
	}
	if o.id.IsAccount() {
		p.BRChargeCard = billing.To(r.IntN(3) > 0)
		p.BRChargeAmount = billing.ToNull[int64]()
		if r.IntN(2) == 0 {
			p.BRChargeAmount = billing.To(int64(5+r.IntN(6)) * o.scale)
		}
	}
	return p
}

// remember is what getLowBalance has to show after this was acknowledged.
func (o *simOwner) remember(p billing.SetLowBalanceParams) {
	w := &o.want
	keep(&w.NotifyByEmail, p.NotifyByEmail)
	keep(&w.ChargeCard, p.ChargeCard)
	keep(&w.ChargeAmount, p.ChargeAmount)
	keep(&w.BRChargeCard, p.BRChargeCard)
	keepNull(&w.Threshold, p.Threshold)
	keepNull(&w.Card, p.Card)
	keepNull(&w.BRChargeAmount, p.BRChargeAmount)
}

func keep[T any](dst *T, c billing.Change[T]) {
	if c.Given {
		*dst = *c.Value
	}
}

func keepNull[T any](dst **T, c billing.Change[T]) {
	if c.Given {
		*dst = c.Value
	}
}
