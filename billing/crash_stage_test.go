package billing_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"topupd/billing"
	"topupd/db"
	"topupd/db/dbtest"
)

// stage is what outlives a process: database, bank and mail server. A story is
// played on it many times, each time by an account of its own.
type stage struct {
	t       *testing.T
	story   *story
	path    string
	store   *db.Store
	bank    *bank
	gate    billing.Gateway
	plays   int64
	mailed  map[string]int // by message id
	mailing sync.Mutex     // two mails may be on their way at once
	wrong   []string       // what was found in the plays so far
	now     *process       // the process of the moment, which hears events
}

// scene is one play: an account, and the process of the moment.
type scene struct {
	*stage
	owner billing.OwnerID
	card  billing.CardID
	p     *process
	kills []int
}

// gap is longer than any lease.
const gap = 3 * time.Minute

func newStage(t *testing.T, s *story) *stage {
	st := &stage{t: t, story: s, path: dbtest.Address(t), bank: newBank(), mailed: map[string]int{}}
	st.store = openFile(t, st.path)
	st.bank.plan = s.plan
	st.bank.issuer = func(_ billing.ChargeID, n int, _ billing.Secret) verdict {
		if n <= len(s.verdict) {
			return s.verdict[n-1]
		}
		return approve
	}
	st.bank.committed = committedIn(func() billing.Store { return st.store })
	if s.events {
		st.bank.post = &postOffice{rng: rand.New(rand.NewPCG(1, 1)), take: func(ev billing.GatewayEvent) error {
			return st.now.engine.GatewayEvent(st.now.ctx, bankName, ev)
		}}
	}
	st.gate = st.bank
	if s.twoStep {
		st.gate = twoStepBank{st.bank}
	}
	p := st.process(0)
	st.ok(p.engine.Import(p.ctx, false, func(im *billing.Importer) error {
		if err := im.Plan(billing.PlanLine{ID: 1, Name: billing.To("Monthly"), Price: billing.To(int64(20 * usd)), Currency: billing.To("USD")}); err != nil {
			return err
		}
		return im.Owner(billing.OwnerLine{Owner: billing.Customer(10), Currency: billing.To("USD")})
	}))
	return st
}

func (st *stage) ok(err error) {
	st.t.Helper()
	if err != nil {
		st.t.Fatal(err)
	}
}

func (st *stage) close() {
	wrong, err := st.store.Verify(context.Background(), 10)
	st.ok(err)
	for _, w := range wrong {
		st.t.Errorf("verify: %+v", w)
	}
	for _, w := range st.wrong {
		st.t.Error(w)
	}
	st.ok(st.store.Close())
}

// process is a new one on the stage; it dies at a point, or lives with 0.
func (st *stage) process(dieAt int) *process {
	settings := billing.DefaultSettings()
	settings.ChargeConcurrency = 1                   // one call after the other: the points have numbers
	settings.GatewayTimeout = 900 * time.Millisecond // less than a look at the queue
	settings.PaymentWait = 0                         // the worker is the next step
	send := func(m billing.Mail) error {
		st.mailing.Lock()
		defer st.mailing.Unlock()
		st.mailed[m.ID]++
		return nil
	}
	p := newProcess(ports{store: st.store, gateways: []billing.Gateway{st.gate}, mail: send, settings: settings})
	p.dieAt = dieAt
	return p
}

// play tells the story once. Each process dies at its number in kills; died
// says that all of them did.
func (st *stage) play(kills ...int) (e ending, died bool) {
	st.t.Helper()
	st.plays++
	c := &scene{stage: st, owner: billing.Account(st.plays), card: billing.CardID(st.plays), kills: kills}
	if st.story.customer {
		c.owner = billing.Customer(1000 + st.plays)
	}
	c.prepare()
	c.next()
	for _, s := range st.story.steps {
		c.do(s)
	}
	c.settle()
	died = len(c.kills) == 0 && c.p.dieAt == 0
	e = c.end()
	c.check(len(kills))
	c.leave()
	return e, died
}

// prepare is an account with a plan, a card and a policy: low below 5, charge
// 10; balance 20.
func (c *scene) prepare() {
	p := c.process(0)
	c.ok(p.engine.Import(p.ctx, false, func(im *billing.Importer) error {
		l := accountLine(c.owner.Number())
		if l.Owner = c.owner; c.owner.IsAccount() {
			l.Plan, l.NextBillingAt = billing.To(int64(1)), billing.To(time.Now().Add(24*time.Hour))
		}
		if err := im.Owner(l); err != nil {
			return err
		}
		if err := im.Card(billing.CardLine{ID: c.card, Owner: c.owner, Token: billing.To(billing.Secret(fmt.Sprintf("tok%05d", c.card))), Primary: billing.To(true)}); err != nil {
			return err
		}
		p := billing.SetLowBalanceParams{
			Owner: c.owner, Threshold: billing.To(int64(5 * usd)), NotifyByEmail: billing.To(true),
			ChargeCard: billing.To(true), ChargeAmount: billing.To(int64(10 * usd)),
		}
		if c.owner.IsAccount() {
			p.BRChargeCard = billing.To(true)
		}
		if err := im.LowBalance(p); err != nil || c.story.prepare == nil {
			return err
		}
		return c.story.prepare(c, im)
	}))
}

// leave keeps an account that was played from being billed and judged again.
func (c *scene) leave() {
	p := c.process(0)
	c.ok(p.engine.Import(p.ctx, false, func(im *billing.Importer) error {
		if c.owner.IsAccount() {
			if err := im.Owner(billing.OwnerLine{Owner: c.owner, NextBillingAt: billing.To(time.Now().AddDate(100, 0, 0))}); err != nil {
				return err
			}
		}
		if c.story.leave != nil {
			if err := c.story.leave(c, im); err != nil {
				return err
			}
		}
		return im.LowBalance(billing.SetLowBalanceParams{Owner: c.owner, Threshold: billing.ToNull[int64]()})
	}))
}

// next is the next process: it dies at its point, and the last one lives.
func (c *scene) next() {
	at := 0
	if len(c.kills) > 0 {
		at, c.kills = c.kills[0], c.kills[1:]
	}
	c.p = c.process(at)
	c.now = c.p
}

// do brings one step through, in as many processes as it takes.
func (c *scene) do(s step) {
	time.Sleep(s.wait)
	for {
		err := s.do(c)
		if !c.p.isDead() {
			c.bank.post.deliver()
		}
		if !c.p.isDead() {
			c.ok(err)
			return
		}
		if c.story.reopen {
			c.ok(c.store.Close())
			c.store = openFile(c.t, c.path)
		}
		c.next()
		time.Sleep(gap)
	}
}

// settle works until nothing is due.
func (c *scene) settle() {
	for i := range 140 {
		wait := time.Minute
		if i > 20 {
			wait = time.Hour // a retry that the wait after a death pushed back
		}
		c.do(work(wait))
		if c.quiet() {
			return
		}
	}
	c.t.Fatalf("it never comes to rest: %+v", c.end())
}

func (c *scene) view(fn func(billing.Reader) error) {
	c.t.Helper()
	c.ok(c.store.View(context.Background(), fn))
}

func (c *scene) quiet() (quiet bool) {
	c.view(func(r billing.Reader) error {
		ever := time.Now().AddDate(100, 0, 0)
		charges, err := r.DueCharges(billing.DueFilter{Now: ever, Real: ever, Limit: 1})
		if err != nil {
			return err
		}
		notices, err := r.DueNotices(ever, ever, 1)
		if err != nil {
			return err
		}
		pools, err := r.DuePoolTopUps(ever, 1)
		quiet = len(charges)+len(notices)+len(pools) == 0
		return err
	})
	return quiet
}

// ending is all that the outside can tell of a story's end. Ids and dates are
// told relative to the scene.
type ending struct {
	Balance  int64
	Reserved int64
	Actions  []string
	Charges  []string
	Payments []string
	Postings []string
	Notices  []string
	Card     billing.CardState
	Policy   string
	Blocked  billing.Block
	Periods  []string
	Topups   []string
}

func (c *scene) end() (e ending) {
	c.view(func(r billing.Reader) error {
		e = ending{}
		j, err := r.Judged(c.owner)
		if err != nil {
			return err
		}
		e.Balance, e.Reserved, e.Blocked = j.Bucket.Balance, j.Bucket.Reserved, j.Owner.Blocked
		if e.Actions, err = endOfActions(r, c.owner); err != nil {
			return err
		}
		topups, err := endOfTopups(r, c.owner)
		if err != nil {
			return err
		}
		e.Actions = append(e.Actions, topups...)
		s := j.Policy.State
		e.Policy = fmt.Sprint(s.Below, s.Episode, s.Charges, s.Armed, s.Back, " ", s.Suspended, s.BRSuspended, s.Reason)
		card, err := r.Card(c.card)
		if err != nil {
			return err
		}
		e.Card = card.State
		if err := c.endOfCharges(r, &e); err != nil {
			return err
		}
		if err := c.endOfTopups(r, &e); err != nil {
			return err
		}
		return c.endOfLedger(r, &e)
	})
	slices.Sort(e.Postings)
	slices.Sort(e.Notices)
	return e
}

func (c *scene) endOfCharges(r billing.Reader, e *ending) error {
	charges, err := r.Charges(billing.ChargeFilter{Owner: c.owner, Limit: 1000})
	if err != nil {
		return err
	}
	for _, ch := range charges {
		attempts, err := r.Attempts(ch.ID)
		if err != nil {
			return err
		}
		line := fmt.Sprint(ch.Purpose, " ", ch.State, " ", ch.Reason, ":")
		for _, a := range attempts {
			line += fmt.Sprint(" ", a.N, " ", a.State, " ", a.Class, " ref ", a.Ref != "")
		}
		e.Charges = append(e.Charges, line)
		if ch.Period != "" {
			p, err := r.Period(c.owner, ch.Period)
			if err != nil {
				return err
			}
			e.Periods = append(e.Periods, fmt.Sprint(p.State, p.Reason, p.Charge == ch.ID))
		}
	}
	for _, p := range c.payments() {
		e.Payments = append(e.Payments, fmt.Sprint(p.n, " ", p.state, " ", p.first.Amount))
	}
	return nil
}

func (c *scene) endOfLedger(r billing.Reader, e *ending) error {
	postings, err := r.Postings(c.owner, 0, 1000)
	if err != nil {
		return err
	}
	for _, p := range postings {
		e.Postings = append(e.Postings, fmt.Sprint(p.Kind, " ", p.Charge != 0, " ", p.Entries[0].Micros, " ", p.Entries[1].Account))
	}
	notices, err := r.Notices(c.owner, 0, 1000)
	for _, n := range notices {
		e.Notices = append(e.Notices, fmt.Sprint(n.Kind, " ", n.State))
	}
	return err
}

// payments are the bank's for this scene.
func (c *scene) payments() (list []*payment) {
	for _, p := range c.bank.list {
		if p.first.Owner == c.owner {
			list = append(list, p)
		}
	}
	return list
}

// check is what holds at the end of every scene.
func (c *scene) check(kills int) {
	for _, w := range c.bank.wrong {
		c.complain("%s", w)
	}
	c.bank.wrong = nil
	for _, err := range c.p.failed {
		c.complain("%v", err)
	}
	took := 0
	for _, p := range c.payments() {
		if p.state == captured {
			took++
		}
	}
	if took != c.story.took {
		c.complain("the bank captured %d payments, want %d", took, c.story.took)
	}
	c.checkMails(kills)
}

// checkMails: a mail is sent at least once; twice only by a process that died
// before it could write that down, which may have had two on their way.
func (c *scene) checkMails(kills int) {
	c.view(func(r billing.Reader) error {
		notices, err := r.Notices(c.owner, 0, 1000)
		again := 0
		for _, n := range notices {
			id := fmt.Sprintf("notice-%d-%s", n.ID, c.store.Instance())
			if c.mailed[id] < 1 {
				c.complain("%s was not mailed", n.Kind)
			}
			again += c.mailed[id] - 1
		}
		if again > 2*kills {
			c.complain("%d mails were sent again, with %d deaths", again, kills)
		}
		return err
	})
}

func (st *stage) complain(format string, args ...any) {
	st.wrong = append(st.wrong, fmt.Sprintf(format, args...))
}

// compare holds an ending against the one where nobody died, and reports what
// the play found.
func (st *stage) compare(when string, got, want ending) {
	st.t.Helper()
	lines := func(e ending) string { return strings.ReplaceAll(fmt.Sprintf("%+v", e), "] ", "]\n     ") }
	if g, w := lines(got), lines(want); g != w {
		st.complain("another end:\n got %s\nwant %s", g, w)
	}
	for _, w := range st.wrong {
		st.t.Errorf("%s: %s", when, w)
	}
	st.wrong = nil
}
