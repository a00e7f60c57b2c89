package billing_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"topupd/billing"
)

var acme10 = billing.Customer(10)

// seedProfile is a customer 10 that owes 460 of 500, with a card and a profile that
// collects 100 from 450 on; its balance is 20.
func (k *kit) seedProfile(token string, change ...func(*billing.ProfileLine, *billing.OwnerLine)) {
	k.t.Helper()
	p := billing.ProfileLine{ID: 1, ProfileParams: billing.ProfileParams{
		Name: billing.To("Standard"), Basis: billing.To("outstanding"), Trigger: billing.To("absolute_amount"),
		TriggerValue: billing.To(int64(50 * usd)), Limit: billing.To("creditLimit"), Mode: billing.To("FixedAmount"),
		TopupValue: billing.To(int64(100 * usd)), AutoCollect: billing.To(true),
		LetterExpected: billing.To("auto top-up expected"), LetterCard: billing.To("Auto Top-up Card"),
	}}
	o := billing.OwnerLine{
		Owner: acme10, Name: billing.To("Acme"), Currency: billing.To("USD"), Balance: billing.To(int64(20 * usd)), Email: billing.To("ops@acme.example"),
		Topup: billing.TopupTermsParams{
			Profile: billing.To(int64(1)), Outstanding: billing.To(int64(460 * usd)), Overdue: billing.To(int64(30 * usd)), PaymentType: billing.To("card"),
			Limits: billing.To([]billing.NamedLimit{{Name: "Credit Limit", Micros: 500 * usd}}),
		},
	}
	for _, c := range change {
		c(&p, &o)
	}
	k.ok(k.engine.Import(root(t0), false, func(im *billing.Importer) error {
		if err := im.Profile(p); err != nil {
			return err
		}
		if err := im.Owner(o); err != nil {
			return err
		}
		if token == "" {
			return nil
		}
		return im.Card(billing.CardLine{ID: 1000, Owner: acme10, Token: billing.To(billing.Secret(token)), Brand: billing.To("Visa"), Last4: billing.To("4242"), Primary: billing.To(true)})
	}))
}

func (k *kit) runProfiles(at time.Time) billing.Run {
	k.t.Helper()
	run, _, err := k.engine.RunProfiles(root(at), billing.RunParams{Trigger: "command"})
	k.ok(err)
	k.drain(at)
	run, err = k.engine.RunReport(root(at), run.ID)
	k.ok(err)
	return run
}

func (k *kit) terms() billing.TopupTerms {
	k.t.Helper()
	c, err := k.engine.TopupCustomer(root(t0), acme10)
	k.ok(err)
	return c.Terms
}

// expected are the expected payments of customer 10 that are not deleted.
func (k *kit) expected() []billing.ExpectedPayment {
	k.t.Helper()
	all, err := k.engine.ExpectedPayments(root(t0), billing.ExpectedFilter{Owner: acme10})
	k.ok(err)
	return all
}

func (k *kit) oneExpected() billing.ExpectedPayment {
	k.t.Helper()
	all := k.expected()
	if len(all) != 1 {
		k.t.Fatalf("%d expected payments: %+v", len(all), all)
	}
	return all[0]
}

func (k *kit) skipped(run billing.Run, want billing.Reason) {
	k.t.Helper()
	if run.Tally.Skipped[want] != 1 || run.Tally.Expected != 0 || run.Tally.Charges != 0 {
		k.t.Fatalf("the run did %+v, want a skip for %s", run.Tally, want)
	}
}

func day(n int) time.Time { return t0.AddDate(0, 0, n) }

// TestProfileCharges: the card is charged, the bucket credited, the debts go down and
// what was expected is fulfilled; the same day does nothing more, the next one neither,
// for the debt is low.
func TestProfileCharges(t *testing.T) {
	k := newKit(t)
	k.seedProfile("tok_ok")
	run := k.runProfiles(t0)
	if y := run.Tally; y.Decided != 1 || y.Charges != 1 || y.Charged != 1 || y.Expected != 1 {
		t.Errorf("tally %+v", y)
	}
	if got := k.balance(acme10); got != 120*usd {
		t.Errorf("balance %s", billing.FormatMicros(got))
	}
	if terms := k.terms(); terms.Outstanding != 360*usd || terms.Overdue != 0 {
		t.Errorf("outstanding %d, overdue %d", terms.Outstanding, terms.Overdue)
	}
	ep := k.oneExpected()
	if ep.Payment != billing.ChargePayment(ep.Charge) || ep.Charge == 0 || ep.Card != 1000 || ep.Amount != 100*usd || ep.Date != "2026-11-22" || ep.Revision != 2 {
		t.Errorf("expected payment %+v", ep)
	}
	k.wantMails("Auto Top-up Card: 100.00 USD", "Receipt: 100.00 USD charged to Visa 4242")
	letters, err := k.engine.Letters(root(t0), billing.LettersParams{Owner: acme10, Delivered: true})
	k.ok(err)
	if len(letters) != 1 || letters[0].TypeName != "Auto Top-up Card" || letters[0].Letter.Expected != ep.ID {
		t.Errorf("letters %+v", letters)
	}
	k.ok(errOf(k.engine.UpdateTopupTerms(root(t0), billing.TopupTermsParams{Owner: acme10, Outstanding: billing.To(int64(490 * usd))})))
	k.skipped(k.runProfiles(t0.Add(time.Hour)), billing.ReasonToppedUp)
	k.runProfiles(day(1))
	if len(k.expected()) != 2 {
		t.Errorf("the next day: %+v", k.expected())
	}
	k.skipped(k.runProfiles(day(2)), billing.ReasonNotLow)
	k.verify()
}

func errOf[T any](_ T, err error) error { return err }

// TestProfileExpects: what is not collected is expected, with its reason and letter; it
// stacks up no second one until it is paid or withdrawn, and a withdrawn one still counts
// for its day.
func TestProfileExpects(t *testing.T) {
	for name, c := range map[string]struct {
		token  string
		change func(*billing.ProfileLine, *billing.OwnerLine)
		reason billing.Reason
	}{
		"off":          {"tok_ok", func(p *billing.ProfileLine, _ *billing.OwnerLine) { p.AutoCollect = billing.To(false) }, billing.ReasonOff},
		"no card":      {"", func(*billing.ProfileLine, *billing.OwnerLine) {}, billing.ReasonNoCard},
		"direct debit": {"tok_ok", func(_ *billing.ProfileLine, o *billing.OwnerLine) { o.Topup.PaymentType = billing.To("direct_debit") }, billing.ReasonDirectDebit},
		"other":        {"tok_ok", func(_ *billing.ProfileLine, o *billing.OwnerLine) { o.Topup.PaymentType = billing.To("other") }, billing.ReasonPaysOtherwise},
	} {
		t.Run(name, func(t *testing.T) {
			k := newKit(t)
			k.seedProfile(c.token, c.change)
			run := k.runProfiles(t0)
			if run.Tally.Charges != 0 || run.Tally.Expected != 1 || len(run.Tally.Skipped) != 0 {
				t.Errorf("tally %+v", run.Tally)
			}
			ep := k.oneExpected()
			if ep.Payment != 0 || ep.Charge != 0 || ep.Reason != c.reason || ep.Method != billing.CollectNone {
				t.Errorf("expected payment %+v", ep)
			}
			k.wantMails("Auto Top-up Expected: 100.00 USD")
			if k.balance(acme10) != 20*usd || k.terms().Outstanding != 460*usd {
				t.Error("an expected payment moved money")
			}
			k.skipped(k.runProfiles(day(1)), billing.ReasonOpenExpected)
			k.ok(k.engine.DeleteExpected(root(day(1)), ep.ID))
			if got := k.expected(); len(got) != 0 {
				t.Errorf("deleted: %+v", got)
			}
			k.skipped(k.runProfiles(t0), billing.ReasonToppedUp)
			if again := k.runProfiles(day(1)); again.Tally.Expected != 1 {
				t.Errorf("after it was withdrawn: %+v", again.Tally)
			}
		})
	}
}

// TestProfileStacks: where the operator wants it, an open expected payment holds nothing
// back but its own day.
func TestProfileStacks(t *testing.T) {
	k := newKit(t, func(c *billing.Config) { c.Settings.StackExpected = true })
	k.seedProfile("")
	k.runProfiles(t0)
	k.skipped(k.runProfiles(t0), billing.ReasonToppedUp)
	k.runProfiles(day(1))
	if n := len(k.expected()); n != 2 {
		t.Errorf("%d payments are expected", n)
	}
}

// TestProfileCoolDown: an expected payment of the 1st, deleted or of another profile,
// holds the next one back until the 8th.
func TestProfileCoolDown(t *testing.T) {
	k := newKit(t)
	k.seedProfile("", func(p *billing.ProfileLine, _ *billing.OwnerLine) { p.MinDays = billing.To(int64(7)) })
	k.runProfiles(t0)
	k.ok(k.engine.DeleteExpected(root(t0), k.oneExpected().ID))
	k.skipped(k.runProfiles(day(6)), billing.ReasonCoolDown)
	if run := k.runProfiles(day(7)); run.Tally.Expected != 1 {
		t.Errorf("the eighth day: %+v", run.Tally)
	}
}

// TestProfileDeclines: after a soft decline the charge is tried again by its plan and the
// payment stays expected; a hard one suspends the profile's charges, a new card ends that.
func TestProfileDeclines(t *testing.T) {
	k := newKit(t)
	k.seedProfile("tok_declined")
	k.runProfiles(t0)
	k.wantMails("Auto Top-up Card: 100.00 USD", "Your card Visa 4242 was declined")
	if ep := k.oneExpected(); ep.Payment != 0 || ep.Charge == 0 {
		t.Errorf("expected payment %+v", ep)
	}
	k.skipped(k.runProfiles(day(1)), billing.ReasonOpenCharge)
	k.drain(day(9))
	k.drain(day(20))
	k.skipped(k.runProfiles(day(21)), billing.ReasonOpenExpected)
	if s := k.terms().Suspended; s != billing.SuspendedDeclined {
		t.Errorf("suspended %q", s)
	}
	k.ok(k.engine.DeleteExpected(root(day(21)), k.oneExpected().ID))
	if run := k.runProfiles(day(22)); run.Tally.Charges != 0 || k.oneExpected().Reason != billing.ReasonSuspended {
		t.Errorf("suspended, and yet %+v", run.Tally)
	}
	k.importCard(func(l *billing.CardLine) { l.Owner, l.Token = acme10, billing.To(billing.Secret("tok_ok")) })
	if s := k.terms().Suspended; s != "" {
		t.Errorf("a new card left it suspended: %s", s)
	}
	k.verify()

	k = newKit(t)
	k.seedProfile("tok_lost")
	k.runProfiles(t0)
	if s := k.terms().Suspended; s != billing.SuspendedHard {
		t.Errorf("suspended %q", s)
	}
	if k.oneExpected().Payment != 0 || k.balance(acme10) != 20*usd {
		t.Error("a declined charge paid")
	}
}

// TestProfileLastLook: a charge that was decided is cancelled before it is sent when its
// need is gone, and then nothing is expected any more.
func TestProfileLastLook(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*kit)
		gone   bool
	}{
		"paid meanwhile": {func(k *kit) {
			k.ok(errOf(k.engine.UpdateTopupTerms(root(t0), billing.TopupTermsParams{Owner: acme10, Outstanding: billing.To(int64(0))})))
		}, true},
		"unlinked": {func(k *kit) {
			k.ok(errOf(k.engine.UpdateTopupTerms(root(t0), billing.TopupTermsParams{Owner: acme10, Profile: billing.ToNull[int64]()})))
		}, true},
		"switched off": {func(k *kit) {
			k.ok(errOf(k.engine.UpdateProfile(root(t0), 1, billing.ProfileParams{Enabled: billing.To(false)})))
		}, true},
		"blocked":   {func(k *kit) { k.ok(k.engine.BlockOwner(root(t0), acme10, true)) }, true},
		"withdrawn": {func(k *kit) { k.ok(k.engine.DeleteExpected(root(t0), k.oneExpected().ID)) }, true},
		"card put aside": {func(k *kit) {
			k.ok(k.store.Update(context.Background(), func(tx billing.Tx) error {
				card, err := tx.Card(1000)
				card.State = billing.CardAside
				return errors.Join(err, tx.PutCard(&card))
			}))
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			k := newKit(t)
			k.seedProfile("tok_ok")
			run, _, err := k.engine.RunProfiles(root(t0), billing.RunParams{Trigger: "command"})
			k.ok(err)
			c.change(k)
			k.drain(t0)
			rows, err := k.engine.Charges(root(t0), billing.ChargeFilter{Run: run.ID, Limit: 9})
			k.ok(err)
			if len(rows) != 1 || rows[0].Charge.State != billing.ChargeCancelled {
				t.Fatalf("charges %+v", rows)
			}
			if got := len(k.expected()); (got == 0) != c.gone {
				t.Errorf("%d payments are expected", got)
			}
			if k.balance(acme10) != 20*usd {
				t.Error("money moved")
			}
		})
	}
}

// TestProfileRunOnce: a firing of a business date runs once, and a dry run changes
// nothing and decides the same.
func TestProfileRunOnce(t *testing.T) {
	k := newKit(t)
	k.seedProfile("tok_ok")
	var dry []billing.Decision
	_, _, err := k.engine.RunProfiles(root(t0), billing.RunParams{Trigger: "command", DryRun: true, Each: func(d billing.Decision) { dry = append(dry, d) }})
	k.ok(err)
	if len(dry) != 1 || dry[0].Charge == nil || dry[0].Topup.Amount != 100*usd || len(k.expected()) != 0 {
		t.Errorf("dry run %+v", dry)
	}
	for range 2 {
		k.ok(k.engine.Fire(root(t0), billing.JobProfiles, "2026-11-22"))
	}
	k.drain(t0)
	k.oneExpected()
	runs, err := k.engine.Runs(root(t0), billing.JobProfiles, 0, 10)
	k.ok(err)
	if len(runs) != 1 || runs[0].Key != "2026-11-22" {
		t.Errorf("runs %+v", runs)
	}
	if got := k.balance(acme10); got != 120*usd {
		t.Errorf("balance %s", billing.FormatMicros(got))
	}
	list, err := k.engine.Evaluate(root(t0), 1, 0, 0)
	k.ok(err)
	if len(list) != 1 || list[0].Reason != billing.ReasonNotLow || *list[0].Topup.Threshold != 450*usd {
		t.Errorf("evaluate %+v", list)
	}
}

// TestProfileUnknown: an answer that never comes keeps the top-up open, nothing is charged
// beside it, and what the gateway tells later pays it once.
func TestProfileUnknown(t *testing.T) {
	k := newKit(t)
	k.seedProfile("tok_timeout")
	run := k.runProfiles(t0)
	if run.Tally.Unknown != 1 || k.oneExpected().Payment != 0 || k.balance(acme10) != 20*usd {
		t.Errorf("tally %+v, expected %+v", run.Tally, k.expected())
	}
	k.skipped(k.runProfiles(day(1)), billing.ReasonOpenCharge)
	k.restart()
	k.later(day(1))
	if k.oneExpected().Payment == 0 || k.balance(acme10) != 120*usd || k.terms().Outstanding != 360*usd {
		t.Errorf("expected %+v, balance %d", k.expected(), k.balance(acme10))
	}
	k.later(day(1))
	if k.balance(acme10) != 120*usd {
		t.Error("paid twice")
	}
	k.verify()
}

// TestProfileTwiceAtOnce: two servers that run at the same time top everybody up once.
func TestProfileTwiceAtOnce(t *testing.T) {
	k := newKit(t)
	k.seedProfile("tok_ok")
	const customers = 60
	k.ok(k.engine.Import(root(t0), false, func(im *billing.Importer) error {
		for n := int64(2000); n < 2000+customers; n++ {
			err := im.Owner(billing.OwnerLine{Owner: billing.Customer(n), Name: billing.To("C"), Currency: billing.To("USD"), Topup: billing.TopupTermsParams{
				Profile: billing.To(int64(1)), Outstanding: billing.To(int64(460 * usd)), Limits: billing.To([]billing.NamedLimit{{Name: "Credit Limit", Micros: 500 * usd}}),
			}})
			if err == nil {
				err = im.Card(billing.CardLine{ID: billing.CardID(n), Owner: billing.Customer(n), Token: billing.To(billing.Secret("tok_ok")), Primary: billing.To(true)})
			}
			if err != nil {
				return err
			}
		}
		return nil
	}))
	var both sync.WaitGroup
	for range 2 {
		e := billing.New(k.config)
		both.Go(func() {
			_, _, err := e.RunProfiles(root(t0), billing.RunParams{Trigger: "command"})
			if err == nil {
				err = e.Drain(root(t0))
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	both.Wait()
	k.drain(t0)
	all, err := k.engine.ExpectedPayments(root(t0), billing.ExpectedFilter{Complete: true})
	k.ok(err)
	if len(all) != customers+1 {
		t.Errorf("%d payments are fulfilled", len(all))
	}
	for n := int64(2000); n < 2000+customers; n++ {
		if got := k.balance(billing.Customer(n)); got != 100*usd {
			t.Errorf("customer %d has %s", n, billing.FormatMicros(got))
		}
	}
	k.verify()
}

// TestProfileLetterFails: a letter that cannot be written undoes no money.
func TestProfileLetterFails(t *testing.T) {
	failures := &failures{}
	k := newKit(t, func(c *billing.Config) { c.Observer = failures })
	k.seedProfile("tok_ok")
	restore := billing.BreakNotice(billing.NoticeTopup)
	defer restore()
	k.runProfiles(t0)
	if k.balance(acme10) != 120*usd || k.oneExpected().Payment == 0 {
		t.Error("the letter took the money with it")
	}
	if failures.n == 0 {
		t.Error("nobody was told of the letter")
	}
	k.wantMails("Receipt: 100.00 USD charged to Visa 4242")
}

type failures struct {
	billing.Observer
	n int
}

func (*failures) Decided(billing.Decision)                      {}
func (*failures) ChargeMoved(billing.Charge, string)            {}
func (*failures) Posted(billing.PostingKind)                    {}
func (*failures) Mailed(billing.Notice)                         {}
func (*failures) RunEnded(billing.Run)                          {}
func (*failures) EventsShed(billing.HubID, int64)               {}
func (*failures) EventSent(billing.Delivery, billing.EventType) {}
func (*failures) Alarmed(billing.AlarmKind, string, string)     {}
func (f *failures) Failed(string, error)                        { f.n++ }

// TestProfileLinks: who may be linked to what, and the consent that a link asserts.
func TestProfileLinks(t *testing.T) {
	k := newKit(t)
	k.seedProfile("tok_ok", func(_ *billing.ProfileLine, o *billing.OwnerLine) { o.Topup.Profile = billing.ToNull[int64]() })
	percent, err := k.engine.CreateProfile(root(t0), billing.ProfileParams{
		Name: billing.To("Percent"), Basis: billing.To("Overdue"), Trigger: billing.To("Percent of Limit"), TriggerValue: billing.To(int64(80 * usd)),
		Limit: billing.To("Overdue Limit"), Mode: billing.To("To Percent Of Limit"), TopupValue: billing.To(int64(20 * usd)),
	})
	k.ok(err)
	link := func(id billing.ProfileID) error {
		return errOf(k.engine.UpdateTopupTerms(root(t0), billing.TopupTermsParams{Owner: acme10, Profile: billing.To(int64(id))}))
	}
	if err := link(percent.ID); !errors.Is(err, billing.Invalid) {
		t.Errorf("without the limit: %v", err)
	}
	// The facts of one that was linked without it by an import can still be told.
	k.ok(k.engine.Import(root(t0), false, func(im *billing.Importer) error {
		return im.Owner(billing.OwnerLine{Owner: acme10, Topup: billing.TopupTermsParams{Profile: billing.To(int64(percent.ID))}})
	}))
	k.ok(errOf(k.engine.UpdateTopupTerms(root(t0), billing.TopupTermsParams{Owner: acme10, Overdue: billing.To(int64(1))})))
	if err := link(99); !errors.Is(err, billing.NotFound) {
		t.Errorf("unknown: %v", err)
	}
	k.ok(errOf(k.engine.UpdateProfile(root(t0), 1, billing.ProfileParams{Customer: billing.To(int64(10))})))
	k.ok(link(1))
	mandate := func() (m billing.Mandate, err error) {
		err = k.engine.Snapshot(root(t0), func(r billing.Reader) (err error) {
			m, err = r.ActiveMandate(acme10, billing.PurposeProfile)
			return err
		})
		return m, err
	}
	if m, err := mandate(); err != nil || m.Text != billing.MandateAsserted {
		t.Errorf("mandate %+v, %v", m, err)
	}
	if err := k.engine.DeleteProfile(root(t0), 1); !errors.Is(err, billing.Conflict) {
		t.Errorf("a linked profile was deleted: %v", err)
	}
	k.ok(errOf(k.engine.UpdateTopupTerms(root(t0), billing.TopupTermsParams{Owner: acme10, Profile: billing.ToNull[int64]()})))
	if _, err := mandate(); !errors.Is(err, billing.NotFound) {
		t.Errorf("the mandate outlived the link: %v", err)
	}
	k.ok(k.engine.DeleteProfile(root(t0), 1))
	if _, err := k.engine.Profile(root(t0), 1); !errors.Is(err, billing.NotFound) {
		t.Errorf("deleted: %v", err)
	}
}

// BenchmarkProfileRun is one run over 100,000 linked customers of whom one percent fires.
func BenchmarkProfileRun(b *testing.B) {
	for b.Loop() {
		b.StopTimer()
		k := newKit(b)
		k.seedProfile("tok_ok")
		k.ok(k.engine.Import(root(t0), false, func(im *billing.Importer) error {
			for n := int64(2000); n < 102_000; n++ {
				debt := 100 * usd
				if n%100 == 0 {
					debt = 460 * usd
				}
				o := billing.Customer(n)
				err := im.Owner(billing.OwnerLine{Owner: o, Name: billing.To("C"), Currency: billing.To("USD"), Topup: billing.TopupTermsParams{
					Profile: billing.To(int64(1)), Outstanding: billing.To(int64(debt)), Limits: billing.To([]billing.NamedLimit{{Name: "Credit Limit", Micros: 500 * usd}}),
				}})
				if err == nil && n%100 == 0 {
					err = im.Card(billing.CardLine{ID: billing.CardID(n), Owner: o, Token: billing.To(billing.Secret("tok_ok")), Primary: billing.To(true)})
				}
				if err != nil {
					return err
				}
			}
			return nil
		}))
		b.StartTimer()
		run := k.runProfiles(t0)
		if run.Tally.Charged != 1001 || run.Tally.Decided != 100_001 {
			b.Fatalf("%+v", run.Tally)
		}
	}
}
