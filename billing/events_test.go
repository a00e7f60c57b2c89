package billing_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"topupd/billing"
	"topupd/billing/seal"
)

// callbacks are receivers in place of a network: each message is noted and answered by
// what the test says of its callback.
type callbacks struct {
	mu     sync.Mutex
	got    []billing.EventMessage
	answer map[string]func(billing.EventMessage) (int, error)
}

func (c *callbacks) Check(_ context.Context, callback string, lookup bool) error {
	if strings.Contains(callback, "inside") && lookup {
		return billing.Errorf(billing.Invalid, "callback", "inside")
	}
	return nil
}

func (c *callbacks) NewSecret() billing.Secret { return "whsec_made" }

func (c *callbacks) CheckSecret(s billing.Secret) error {
	if !strings.HasPrefix(s.Reveal(), "whsec_") {
		return billing.Errorf(billing.Invalid, "secret", "no secret")
	}
	return nil
}

func (c *callbacks) Post(_ context.Context, m billing.EventMessage) (int, error) {
	c.mu.Lock()
	c.got = append(c.got, m)
	say := c.answer[m.Callback]
	c.mu.Unlock()
	if say == nil {
		return 200, nil
	}
	return say(m)
}

func (c *callbacks) say(callback string, f func(billing.EventMessage) (int, error)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.answer == nil {
		c.answer = map[string]func(billing.EventMessage) (int, error){}
	}
	c.answer[callback] = f
}

// bodies are what a callback got, in its order; all for "".
func (c *callbacks) bodies(callback string) (list []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, m := range c.got {
		if callback == "" || m.Callback == callback {
			list = append(list, string(m.Body))
		}
	}
	return list
}

// plainEvents writes an event as its type, owner and record.
type plainEvents struct{}

func (plainEvents) RenderEvent(_ context.Context, ev *billing.Event) ([]byte, error) {
	return fmt.Appendf(nil, "%s %s %s", ev.EventType, ev.Owner, ev.Record), nil
}

// eventKit is a kit with receivers and the seeded owners.
func eventKit(t testing.TB, with ...func(*billing.Config)) (*kit, *callbacks) {
	c := &callbacks{}
	k := newKit(t, append(with, func(cfg *billing.Config) { cfg.Courier = c })...)
	k.engine.RenderEvents(plainEvents{})
	k.seed("tok_ok")
	return k, c
}

// byCustomer acts as a customer.
func byCustomer(customer int64) context.Context {
	return billing.AsOf(billing.WithActor(context.Background(), billing.Actor{Login: "panel", Customer: billing.Customer(customer), API: "test"}), t0)
}

func (k *kit) listen(ctx context.Context, callback string, wanted ...billing.EventType) billing.HubSubscription {
	k.t.Helper()
	h, _, err := k.engine.Subscribe(ctx, billing.SubscribeParams{Callback: callback, Query: fmt.Sprint(wanted), Wanted: wanted})
	k.ok(err)
	return h
}

func (k *kit) deliver() { k.t.Helper(); k.ok(k.engine.DeliverEvents(root(t0))) }

func (k *kit) deliveries() []billing.DeliveryRow {
	k.t.Helper()
	rows, err := k.engine.EventLog(root(t0), billing.DeliveryFilter{})
	k.ok(err)
	slices.Reverse(rows)
	return rows
}

func (k *kit) wantDeliveries(want ...billing.DeliveryState) []billing.DeliveryRow {
	k.t.Helper()
	rows := k.deliveries()
	var got []billing.DeliveryState
	for _, r := range rows {
		got = append(got, r.Delivery.State)
	}
	if !slices.Equal(got, want) {
		k.t.Fatalf("deliveries %v, want %v", got, want)
	}
	return rows
}

// due makes every delivery that waits for another try, or is leased, due now.
func (k *kit) due() {
	k.t.Helper()
	k.ok(k.store.Update(context.Background(), func(tx billing.Tx) error {
		list, err := tx.Deliveries(billing.DeliveryFilter{})
		for _, d := range list {
			if d.DueAt.IsZero() {
				continue
			}
			d.DueAt, d.LeaseUntil = t0, time.Time{}
			if err := tx.SetDelivery(&d); err != nil {
				return err
			}
		}
		return err
	}))
}

func (k *kit) debitOf(account, micros int64) {
	k.t.Helper()
	_, err := k.engine.MoveFunds(root(t0), billing.MoveFundsParams{Owner: billing.Account(account), Kind: billing.PostDebit, Amount: micros, Currency: "USD"})
	k.ok(err)
}

var balanceChange = billing.EventType{Resource: billing.ResourceBucket, Kind: billing.EventChange}

// TestEventsOfBalances: a change of a balance is told to who subscribed to it and may see
// the owner, once, and nothing is kept for nobody.
func TestEventsOfBalances(t *testing.T) {
	k, c := eventKit(t)
	k.debitOf(100, usd)
	k.wantDeliveries() // nobody subscribed
	k.ok(k.engine.Import(root(t0), false, func(im *billing.Importer) error {
		return im.Owner(billing.OwnerLine{Owner: billing.Customer(20), Name: billing.To("Other"), Currency: billing.To("USD")})
	}))
	k.listen(root(t0), "https://root", balanceChange)
	k.listen(byCustomer(10), "https://acme")
	k.listen(byCustomer(10), "https://topups", billing.EventType{Resource: billing.ResourceTopup, Kind: billing.EventCreate})
	k.listen(byCustomer(20), "https://other")
	k.debitOf(100, 2*usd)
	k.deliver()
	want := `bucket:change account 100 {"Owner":201,"Unit":"USD","Balance":17000000,"Reserved":0}`
	for _, callback := range []string{"https://root", "https://acme"} {
		if got := c.bodies(callback); !slices.Equal(got, []string{want}) {
			t.Errorf("%s got %q", callback, got)
		}
	}
	if got := c.bodies(""); len(got) != 2 {
		t.Errorf("%d messages: %q", len(got), got)
	}
	// A refused call tells nothing, and an import is no news.
	if _, err := k.engine.MoveFunds(root(t0), billing.MoveFundsParams{Owner: billing.Account(100), Kind: billing.PostDebit, Amount: usd, Currency: "EUR"}); err == nil {
		t.Error("another currency was taken")
	}
	k.ok(k.engine.Import(root(t0), false, func(im *billing.Importer) error {
		return im.Owner(billing.OwnerLine{Owner: billing.Account(100), Balance: billing.To(int64(20 * usd))})
	}))
	k.deliver()
	k.wantDeliveries(billing.DeliveryDelivered, billing.DeliveryDelivered)
	m, id := c.got[0], fmt.Sprintf("event-%d-", k.deliveries()[0].Delivery.Event)
	if m.Secret != "whsec_made" || !strings.HasPrefix(m.ID, id) || len(m.ID) < len(id)+4 {
		t.Errorf("message %q, its secret is right: %t", m.ID, m.Secret == "whsec_made")
	}
}

// TestSubscriptionIsTheCustomers: it is its customer's, not that of the login or token that
// made it: with these ended it goes on, and an operator ends it.
func TestSubscriptionIsTheCustomers(t *testing.T) {
	k, c := eventKit(t)
	k.ok(k.engine.AddLogin(root(t0), "panel", billing.Customer(10), "pw"))
	token, _, err := k.engine.AddToken(root(t0), billing.Customer(10), "crm")
	k.ok(err)
	by := func(login string) context.Context {
		return billing.WithActor(context.Background(), billing.Actor{Login: login, API: "rest", Customer: billing.Customer(10)})
	}
	k.listen(by("panel"), "https://of-login", balanceChange)
	h := k.listen(by("crm"), "https://of-token", balanceChange)
	k.ok(k.engine.DisableLogin(root(t0), "panel"))
	_, err = k.engine.RevokeToken(root(t0), token.ID)
	k.ok(err)
	k.debitOf(100, usd)
	k.deliver()
	if n, m := len(c.bodies("https://of-login")), len(c.bodies("https://of-token")); n != 1 || m != 1 {
		t.Errorf("%d and %d events came", n, m)
	}
	k.ok(k.engine.Unsubscribe(root(t0), h.ID))
	k.debitOf(100, usd)
	k.deliver()
	if n, m := len(c.bodies("https://of-login")), len(c.bodies("https://of-token")); n != 2 || m != 1 {
		t.Errorf("%d and %d events came after one was ended", n, m)
	}
}

// TestEventOrder: events of one record come in their order, also while the first fails,
// and those of another do not wait for it.
func TestEventOrder(t *testing.T) {
	k, c := eventKit(t)
	k.ok(k.engine.Import(root(t0), false, func(im *billing.Importer) error { return im.Owner(accountLine(101)) }))
	k.listen(byCustomer(10), "https://acme", balanceChange)
	var tries atomic.Int32 // the two records are sent beside each other
	c.say("https://acme", func(m billing.EventMessage) (int, error) {
		if strings.Contains(string(m.Body), "account 100 ") && tries.Add(1) <= 2 {
			return 503, errors.New("answered 503")
		}
		return 204, nil
	})
	for range 3 {
		k.debitOf(100, usd)
	}
	k.debitOf(101, usd)
	before := time.Now().Truncate(time.Microsecond)
	k.deliver()
	rows := k.wantDeliveries(billing.DeliveryPending, billing.DeliveryPending, billing.DeliveryPending, billing.DeliveryDelivered)
	if d := rows[0].Delivery; d.Tries != 1 || d.Status != 503 || d.Error != "answered 503" || d.DueAt.Before(before.Add(3*time.Second)) || d.DueAt.After(time.Now().Add(7*time.Second)) {
		t.Errorf("after the first try: %+v", d)
	}
	if !rows[1].Delivery.DueAt.IsZero() || !rows[2].Delivery.DueAt.IsZero() {
		t.Error("what waits for an earlier one is due")
	}
	k.due()
	k.deliver() // fails again
	k.due()
	k.deliver()
	k.wantDeliveries(billing.DeliveryDelivered, billing.DeliveryDelivered, billing.DeliveryDelivered, billing.DeliveryDelivered)
	var order []string
	for _, body := range c.bodies("https://acme") {
		_, balance, _ := strings.Cut(body, `"Balance":`)
		order = append(order, balance[:2])
	}
	if got := strings.Join(order, " "); got != "19 19 19 19 18 17" {
		t.Errorf("balances came as %s", got)
	}
}

// TestEventGivenUp: after its last try a delivery is dead and shown, the next of the record
// goes, and resend takes it up again.
func TestEventGivenUp(t *testing.T) {
	k, c := eventKit(t)
	h := k.listen(byCustomer(10), "https://acme/path?key=hidden", balanceChange)
	down := true
	c.say(h.Callback, func(m billing.EventMessage) (int, error) {
		if down && strings.Contains(string(m.Body), `"Balance":19`) {
			return 0, errors.New(strings.Repeat("ñ", 1000))
		}
		return 200, nil
	})
	k.debitOf(100, usd)
	k.debitOf(100, usd)
	tries, last := 0, time.Time{}
	for k.deliveries()[0].Delivery.State == billing.DeliveryPending {
		k.due()
		k.deliver()
		if tries++; tries > 20 {
			t.Fatal("it is never given up")
		}
		if d := k.deliveries()[0].Delivery; d.State == billing.DeliveryPending {
			last = last.Add(time.Until(d.DueAt))
		}
	}
	rows := k.wantDeliveries(billing.DeliveryDead, billing.DeliveryDelivered)
	if d := rows[0].Delivery; d.Tries != tries || tries != 11 || d.Status != 0 || len(d.Error) != 300 || d.FinishedAt.IsZero() {
		t.Errorf("%d tries: %+v", tries, d)
	}
	if all := last.Sub(time.Time{}); all < 20*time.Hour || all > 36*time.Hour {
		t.Errorf("it was tried for %s", all)
	}
	if rows[0].Host != "https://acme" {
		t.Errorf("the log shows %q", rows[0].Host)
	}

	down = false
	before := len(c.bodies(""))
	first, second := rows[0].Delivery.Event, rows[1].Delivery.Event
	for name, p := range map[string]billing.ResendParams{"nothing": {}, "no event": {Event: 99}, "no subscription": {Hub: 99}, "another subscription": {Event: first, Hub: 99}} {
		if _, err := k.engine.Resend(root(t0), p); err == nil {
			t.Errorf("%s was resent", name)
		}
	}
	if _, err := k.engine.Resend(byCustomer(10), billing.ResendParams{Event: first}); !errors.Is(err, billing.Forbidden) {
		t.Error(err)
	}
	for _, p := range []billing.ResendParams{{Hub: h.ID}, {Event: second}, {Event: first, Hub: h.ID}} {
		n, err := k.engine.Resend(root(t0), p)
		if k.ok(err); n != 1 {
			t.Errorf("%+v: %d resent", p, n)
		}
		k.deliver()
		k.wantDeliveries(billing.DeliveryDelivered, billing.DeliveryDelivered)
	}
	if got := len(c.bodies("")) - before; got != 3 {
		t.Errorf("%d messages after three resends", got)
	}
	n, err := k.engine.Resend(root(t0), billing.ResendParams{Hub: h.ID})
	if k.ok(err); n != 0 {
		t.Errorf("%d of nothing dead were resent", n)
	}
}

// TestEventsBehindADeadCallback: what piled up behind an event that was given up is tried
// once each, so that a callback that is gone does not have them pile up for ever; what is
// young has all its tries.
func TestEventsBehindADeadCallback(t *testing.T) {
	k, c := eventKit(t)
	h := k.listen(byCustomer(10), "https://gone", balanceChange)
	c.say(h.Callback, func(billing.EventMessage) (int, error) { return 0, errors.New("refused") })
	owner := billing.Account(100)
	k.ok(k.store.Update(context.Background(), func(tx billing.Tx) error {
		o, err := tx.Owner(owner)
		for i := range 5 {
			d := billing.Delivery{Top: o.Top, Hub: h.ID, Subject: "bucket:201", State: billing.DeliveryPending, CreatedAt: time.Now()}
			if i < 4 {
				d.CreatedAt = d.CreatedAt.Add(-25 * time.Hour)
			}
			if i == 0 {
				d.DueAt = t0
			}
			ev := billing.Event{Top: o.Top, Owner: owner, EventType: balanceChange, RecordID: int64(owner), Record: "{}", At: d.CreatedAt}
			if err == nil {
				err = tx.AddEvent(&ev)
			}
			if d.Event = ev.ID; err == nil {
				err = tx.AddDelivery(&d)
			}
		}
		return err
	}))
	for n := 0; k.deliveries()[0].Delivery.State == billing.DeliveryPending; n++ {
		if n > 20 {
			t.Fatal("it is never given up")
		}
		k.due()
		k.deliver()
	}
	rows := k.wantDeliveries(billing.DeliveryDead, billing.DeliveryDead, billing.DeliveryDead, billing.DeliveryDead, billing.DeliveryPending)
	if n := len(c.bodies("")); n != 11+3+1 || rows[4].Delivery.Tries != 1 {
		t.Errorf("%d messages, the last one was tried %d times", n, rows[4].Delivery.Tries)
	}
	// A person's word brings all tries back.
	if n, err := k.engine.Resend(root(t0), billing.ResendParams{Event: 2}); err != nil || n != 1 {
		t.Fatal(n, err)
	}
	if d := k.deliveries()[1].Delivery; d.State != billing.DeliveryPending || d.Tries != 0 {
		t.Errorf("resent: %+v", d)
	}
}

// TestEventAfterACrash: an event that was committed is delivered by the next process; one
// that was posted and not recorded is posted again under the same id once its lease is over.
func TestEventAfterACrash(t *testing.T) {
	k, c := eventKit(t)
	k.listen(byCustomer(10), "https://acme", balanceChange)
	k.debitOf(100, usd)
	k.config.Observer = nil // that the database is gone is told
	k.restart()
	k.engine.RenderEvents(plainEvents{})
	posted := make(chan struct{})
	c.say("https://acme", func(billing.EventMessage) (int, error) {
		k.store.Close() // the process dies: nothing is recorded any more
		close(posted)
		return 200, nil
	})
	_ = k.engine.DeliverEvents(root(t0)) // dead, whatever it says
	<-posted
	k.open()
	k.engine.RenderEvents(plainEvents{})
	c.say("https://acme", nil)
	k.deliver()
	rows := k.wantDeliveries(billing.DeliveryPending)
	if lease := time.Until(rows[0].Delivery.LeaseUntil); lease <= 0 || lease > time.Minute {
		t.Errorf("leased for %s", lease)
	}
	k.due()
	k.deliver()
	k.wantDeliveries(billing.DeliveryDelivered)
	if len(c.got) != 2 || c.got[0].ID != c.got[1].ID {
		t.Errorf("posted %d times", len(c.got))
	}
}

// TestSlowCallback: a callback that never answers keeps four places, and no other waits.
func TestSlowCallback(t *testing.T) {
	k, c := eventKit(t)
	k.ok(k.engine.Import(root(t0), false, func(im *billing.Importer) error {
		for n := int64(200); n < 220; n++ {
			if err := im.Owner(accountLine(n)); err != nil {
				return err
			}
		}
		return nil
	}))
	k.listen(byCustomer(10), "https://slow", balanceChange)
	k.listen(byCustomer(10), "https://quick", balanceChange)
	release := make(chan struct{})
	c.say("https://slow", func(billing.EventMessage) (int, error) { <-release; return 200, nil })
	for n := int64(200); n < 220; n++ {
		k.debitOf(n, usd)
	}
	done := make(chan error)
	go func() { done <- k.engine.DeliverEvents(root(t0)) }()
	for limit := time.Now().Add(20 * time.Second); len(c.bodies("https://quick")) < 20; time.Sleep(time.Millisecond) {
		if time.Now().After(limit) {
			t.Fatalf("the quick one got %d", len(c.bodies("https://quick")))
		}
	}
	if n := len(c.bodies("https://slow")); n != 4 {
		t.Errorf("%d are on their way to the slow one", n)
	}
	close(release)
	k.ok(<-done)
	if n := len(c.bodies("https://slow")); n != 20 {
		t.Errorf("the slow one got %d", n)
	}
}

// TestManySlowCallbacks: callbacks that never answer do not keep all places, however much
// waits for them.
func TestManySlowCallbacks(t *testing.T) {
	k, c := eventKit(t)
	k.ok(k.engine.Import(root(t0), false, func(im *billing.Importer) error {
		for n := int64(200); n < 205; n++ {
			if err := im.Owner(accountLine(n)); err != nil {
				return err
			}
		}
		return nil
	}))
	release := make(chan struct{})
	for n := range 40 {
		h := k.listen(byCustomer(10), fmt.Sprintf("https://slow%d", n), balanceChange)
		c.say(h.Callback, func(billing.EventMessage) (int, error) { <-release; return 200, nil })
	}
	k.listen(byCustomer(10), "https://quick", balanceChange)
	for n := int64(200); n < 205; n++ {
		k.debitOf(n, usd)
	}
	done := make(chan error)
	go func() { done <- k.engine.DeliverEvents(root(t0)) }()
	for limit := time.Now().Add(20 * time.Second); len(c.bodies("https://quick")) < 5; time.Sleep(time.Millisecond) {
		if time.Now().After(limit) {
			t.Errorf("the quick one got %d", len(c.bodies("https://quick")))
			break
		}
	}
	close(release)
	k.ok(<-done)
}

// TestWorkDelivers: the worker is woken by the commit, without being asked.
func TestWorkDelivers(t *testing.T) {
	k, c := eventKit(t)
	k.listen(byCustomer(10), "https://acme", balanceChange)
	ctx, stop := context.WithCancel(root(t0))
	worked := make(chan struct{})
	go func() { k.engine.Work(ctx); close(worked) }()
	k.debitOf(100, usd)
	for limit := time.Now().Add(10 * time.Second); len(c.bodies("")) == 0 && time.Now().Before(limit); {
		time.Sleep(time.Millisecond)
	}
	stop()
	<-worked
	k.wantDeliveries(billing.DeliveryDelivered)
}

// TestSubscribe: who may subscribe where, and that nothing of the secret is kept in clear.
func TestSubscribe(t *testing.T) {
	k, _ := eventKit(t)
	subscribe := func(p billing.SubscribeParams) error {
		_, _, err := k.engine.Subscribe(byCustomer(10), p)
		return err
	}
	for name, x := range map[string]struct {
		p     billing.SubscribeParams
		code  billing.Code
		field string
	}{
		"no callback":      {billing.SubscribeParams{}, billing.Missing, "callback"},
		"inside":           {billing.SubscribeParams{Callback: "https://inside"}, billing.Invalid, "callback"},
		"a long callback":  {billing.SubscribeParams{Callback: "https://" + strings.Repeat("a", 2000)}, billing.Invalid, "callback"},
		"a long query":     {billing.SubscribeParams{Callback: "https://a", Query: strings.Repeat("a", 2001)}, billing.Invalid, "query"},
		"an unknown event": {billing.SubscribeParams{Callback: "https://a", Wanted: []billing.EventType{{Resource: "bucket", Kind: "status"}}}, billing.Invalid, "query"},
		"a bad secret":     {billing.SubscribeParams{Callback: "https://a", Secret: billing.To(billing.Secret("x"))}, billing.Invalid, "secret"},
		"a null secret":    {billing.SubscribeParams{Callback: "https://a", Secret: billing.ToNull[billing.Secret]()}, billing.Invalid, "secret"},
	} {
		if err := subscribe(x.p); billing.ErrorCode(err) != x.code || billing.ErrorField(err) != x.field {
			t.Errorf("%s: %v", name, err)
		}
	}
	list, err := k.engine.Hubs(root(t0))
	if k.ok(err); len(list) != 0 {
		t.Fatalf("a refused call left %v", list)
	}
	mine := k.listen(byCustomer(10), "https://a")
	if err := subscribe(billing.SubscribeParams{Callback: "https://a", Query: "[]"}); billing.ErrorCode(err) != billing.Exists || billing.ErrorField(err) != "callback" {
		t.Errorf("the same again: %v", err)
	}
	k.ok(subscribe(billing.SubscribeParams{Callback: "https://a", Query: "other"}))
	h, made, err := k.engine.Subscribe(byCustomer(10), billing.SubscribeParams{Callback: "https://b", Secret: billing.To(billing.Secret("whsec_brought"))})
	if k.ok(err); made != "" {
		t.Error("a secret that was brought was told")
	}
	if secret, err := k.engine.HubSecret(&h); err != nil || secret != "whsec_brought" {
		t.Error(err)
	}
	// Others see nothing of it, and end nothing.
	k.ok(k.engine.Import(root(t0), false, func(im *billing.Importer) error {
		return im.Owner(billing.OwnerLine{Owner: billing.Customer(20), Currency: billing.To("USD")})
	}))
	if err := k.engine.Unsubscribe(byCustomer(20), mine.ID); !errors.Is(err, billing.NotFound) {
		t.Error(err)
	}
	if list, err := k.engine.Hubs(byCustomer(20)); err != nil || len(list) != 0 {
		t.Error(list, err)
	}
	if _, err := k.engine.Hub(byCustomer(20), mine.ID); !errors.Is(err, billing.NotFound) {
		t.Error(err)
	}
	k.debitOf(100, usd)
	k.ok(k.engine.Unsubscribe(byCustomer(10), mine.ID))
	if err := k.engine.Unsubscribe(byCustomer(10), mine.ID); !errors.Is(err, billing.NotFound) {
		t.Error(err)
	}
	if rows := k.deliveries(); rows[0].Delivery.State != billing.DeliveryDropped || rows[1].Delivery.State != billing.DeliveryPending {
		t.Errorf("deliveries of a deleted subscription: %+v", rows)
	}
	for i := range billing.MaxHubs - 2 {
		k.ok(subscribe(billing.SubscribeParams{Callback: fmt.Sprintf("https://%d", i)}))
	}
	if err := subscribe(billing.SubscribeParams{Callback: "https://many"}); billing.ErrorCode(err) != billing.Conflict {
		t.Errorf("one too many: %v", err)
	}
}

// TestSubscribeOnce: inside a request that is carried out once no name is looked up, and
// no secret is made, since the answer is kept.
func TestSubscribeOnce(t *testing.T) {
	k, _ := eventKit(t)
	try := func(key string, p billing.SubscribeParams) error {
		var failed error
		_, err := k.engine.Once(byCustomer(10), billing.OnceParams{Key: key}, func(ctx context.Context) (billing.Answer, error) {
			_, _, failed = k.engine.Subscribe(ctx, p)
			return billing.Answer{Status: 201}, failed
		})
		return errors.Join(err, failed)
	}
	if err := try("a", billing.SubscribeParams{Callback: "https://a"}); billing.ErrorCode(err) != billing.Missing || billing.ErrorField(err) != "secret" {
		t.Error(err)
	}
	k.ok(try("b", billing.SubscribeParams{Callback: "https://inside", Secret: billing.To(billing.Secret("whsec_brought"))}))
}

// TestEventsEnd: events go when their time is over, unless somebody still waits for them.
func TestEventsEnd(t *testing.T) {
	k, c := eventKit(t)
	h := k.listen(byCustomer(10), "https://acme", balanceChange)
	c.say("https://acme", func(billing.EventMessage) (int, error) { return 500, errors.New("x") })
	k.ok(k.store.Update(context.Background(), func(tx billing.Tx) error {
		for i := range 2 {
			ev := billing.Event{Top: billing.Customer(10), Owner: billing.Account(100), EventType: balanceChange, RecordID: 1, Record: "{}", At: time.Now().Add(-31 * 24 * time.Hour)}
			if err := tx.AddEvent(&ev); err != nil {
				return err
			}
			if i == 0 {
				d := billing.Delivery{Top: ev.Top, Event: ev.ID, Hub: h.ID, Subject: "x", State: billing.DeliveryPending, DueAt: t0, CreatedAt: t0}
				if err := tx.AddDelivery(&d); err != nil {
					return err
				}
			}
		}
		return nil
	}))
	k.debitOf(100, usd)
	tidy := func(want int64) {
		t.Helper()
		gone, err := k.engine.TidyEvents(root(t0))
		if k.ok(err); gone != want {
			t.Errorf("%d events went, want %d", gone, want)
		}
	}
	tidy(1)
	tidy(0)
	k.ok(k.engine.Unsubscribe(byCustomer(10), h.ID))
	tidy(1)
	if rows := k.deliveries(); len(rows) != 1 {
		t.Errorf("%d deliveries are left", len(rows))
	}
}

// TestRekeyOfSubscriptions: the secrets are sealed anew with everything else.
func TestRekeyOfSubscriptions(t *testing.T) {
	k, c := eventKit(t)
	old, fresh := seal.Generate(), seal.Generate()
	k.sealWith(ring(t, old))
	k.ok(k.engine.Import(root(t0), false, func(im *billing.Importer) error {
		return im.Card(billing.CardLine{ID: 1000, Owner: billing.Account(100), Token: billing.To(billing.Secret("tok_ok"))})
	}))
	h := k.listen(byCustomer(10), "https://acme", balanceChange)
	if strings.Contains(string(h.Secret), "whsec") {
		t.Fatal("the secret is kept in clear")
	}
	keys := ring(t, fresh, old)
	k.sealWith(keys)
	done, err := k.engine.Rekey(root(t0), keys, nil)
	if k.ok(err); done.Hubs != 1 {
		t.Errorf("%d secrets were sealed anew", done.Hubs)
	}
	k.sealWith(ring(t, fresh))
	k.engine.RenderEvents(plainEvents{})
	k.debitOf(100, usd)
	k.deliver()
	k.wantDeliveries(billing.DeliveryDelivered)
	if c.got[0].Secret != "whsec_made" {
		t.Error("another secret signs")
	}
	k.sealWith(ring(t, old))
	if err := k.engine.CheckKey(root(t0)); !errors.Is(err, billing.Conflict) {
		t.Errorf("a server with the older key starts: %v", err)
	}
}
