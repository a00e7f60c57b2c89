package dbtest

import (
	"sync"
	"sync/atomic"
	"time"

	"topupd/billing"
)

func newSubscription(id billing.SubscriptionID) billing.Subscription {
	category, partner, code := int64(1), int64(9), "spring"
	return billing.Subscription{
		ID: id, Owner: alice, Top: acme, PhoneNumber: "15551230100", Category: &category, WholesalePartner: &partner,
		SalesCode: &code, State: billing.SubscriptionActive,
	}
}

func (w *world) gatewayPayment(id billing.GatewayPaymentID) billing.GatewayPayment {
	card := w.card[alice]
	return billing.GatewayPayment{
		ID: id, Owner: alice, Top: acme, Amount: 5, Currency: usd, Card: &card, Status: billing.PaymentPaid,
	}
}

func newOrder(sub billing.SubscriptionID, paid billing.GatewayPaymentID) billing.Order {
	category, code := int64(1), "spring"
	return billing.Order{
		Subscription: sub, Payment: paid, Top: acme, Type: billing.OrderTopup, Status: billing.OrderCompleted,
		CreatedAt: noon.UTC(), EffectiveAt: noon.UTC().Add(time.Hour), PhoneNumber: "15551230100", Category: &category, SalesCode: &code,
	}
}

// subscriptionRecords: what is written comes back, a payment is used once, and what
// belongs to a deleted owner is in no list.
func subscriptionRecords(w *world) {
	sub, bare := newSubscription(7), newSubscription(0)
	bare.Category, bare.WholesalePartner, bare.SalesCode = nil, nil, nil
	paid, plain := w.gatewayPayment(7), w.gatewayPayment(0)
	plain.Card, plain.Status = nil, "pending"
	w.update(func(tx billing.Tx) error {
		for _, s := range []*billing.Subscription{&sub, &bare} {
			if err := tx.PutSubscription(s); err != nil {
				return err
			}
		}
		for _, p := range []*billing.GatewayPayment{&paid, &plain} {
			if err := tx.PutGatewayPayment(p); err != nil {
				return err
			}
		}
		return nil
	})
	same(w, bare.ID, billing.SubscriptionID(8))
	same(w, plain.ID, billing.GatewayPaymentID(8))
	sub.State, sub.PhoneNumber = billing.SubscriptionTerminated, ""
	plain.Status, plain.Amount = billing.PaymentPaid, 6
	w.update(func(tx billing.Tx) error {
		if err := tx.PutSubscription(&sub); err != nil {
			return err
		}
		return tx.PutGatewayPayment(&plain)
	})
	same(w, read(w, func(r billing.Reader) (billing.Subscription, error) { return r.Subscription(7) }), sub)
	same(w, read(w, func(r billing.Reader) (billing.GatewayPayment, error) { return r.GatewayPayment(8) }), plain)
	subscriptions := func(after billing.SubscriptionID, limit int) []billing.Subscription {
		return read(w, func(r billing.Reader) ([]billing.Subscription, error) { return r.Subscriptions(after, limit) })
	}
	payments := func(after billing.GatewayPaymentID, limit int) []billing.GatewayPayment {
		return read(w, func(r billing.Reader) ([]billing.GatewayPayment, error) { return r.GatewayPayments(after, limit) })
	}
	orders := func(after billing.OrderID, limit int) []billing.Order {
		return read(w, func(r billing.Reader) ([]billing.Order, error) { return r.Orders(after, limit) })
	}
	same(w, subscriptions(0, 0), []billing.Subscription{sub, bare})
	same(w, subscriptions(7, 1), []billing.Subscription{bare})
	same(w, payments(0, 1), []billing.GatewayPayment{paid})
	same(w, payments(8, 0), nil)
	same(w, orders(0, 0), nil)

	post := posting(alice, "gateway_payment:7", 5)
	post.Kind = billing.PostPrepaid
	w.update(func(tx billing.Tx) error { return tx.Post(post) })
	first, second := newOrder(8, 7), newOrder(8, 8)
	first.Posting, second.Category, second.SalesCode = post.ID, nil, nil
	w.update(func(tx billing.Tx) error {
		if err := tx.CreateOrder(&first); err != nil {
			return err
		}
		return tx.CreateOrder(&second)
	})
	got := read(w, func(r billing.Reader) (billing.Order, error) { return r.Order(1) })
	utc(w, got)
	same(w, got, first)
	same(w, read(w, func(r billing.Reader) (billing.Order, error) { return r.OrderByPayment(8) }), second)
	same(w, read(w, func(r billing.Reader) (billing.Order, error) { return r.NewestOrder(8) }), second)
	same(w, orders(0, 0), []billing.Order{first, second})
	same(w, orders(1, 5), []billing.Order{second})

	missing(w, func(r billing.Reader) (billing.Subscription, error) { return r.Subscription(99) })
	missing(w, func(r billing.Reader) (billing.GatewayPayment, error) { return r.GatewayPayment(99) })
	missing(w, func(r billing.Reader) (billing.Order, error) { return r.Order(99) })
	missing(w, func(r billing.Reader) (billing.Order, error) { return r.OrderByPayment(99) })
	missing(w, func(r billing.Reader) (billing.Order, error) { return r.NewestOrder(7) })
	for card, want := range map[billing.CardID]bool{w.card[alice]: true, w.card[bob]: false} {
		same(w, read(w, func(r billing.Reader) (bool, error) { return r.PaidWithCard(card) }), want)
	}

	last := w.gatewayPayment(0)
	w.update(func(tx billing.Tx) error { return tx.PutGatewayPayment(&last) })
	var made atomic.Int64
	var all sync.WaitGroup
	for range 10 {
		all.Go(func() {
			err := w.s.Update(w.Context(), func(tx billing.Tx) error {
				o := newOrder(8, last.ID)
				return tx.CreateOrder(&o)
			})
			switch {
			case err == nil:
				made.Add(1)
			case billing.ErrorCode(err) != billing.Exists || billing.ErrorField(err) != "payment":
				w.Error(err)
			}
		})
	}
	all.Wait()
	same(w, made.Load(), int64(1))

	w.update(func(tx billing.Tx) error { return tx.DeleteOwner(alice, noon) })
	same(w, subscriptions(0, 0), nil)
	same(w, payments(0, 0), nil)
	same(w, orders(0, 0), nil)
}

func subscriptionRules(w *world) {
	each(w, billing.Conflict, func() billing.Subscription { return newSubscription(0) },
		func(tx billing.Tx, s *billing.Subscription) error { return tx.PutSubscription(s) },
		map[string]func(*billing.Subscription){
			"a negative id":     func(s *billing.Subscription) { s.ID = -1 },
			"an account as top": func(s *billing.Subscription) { s.Top = alice },
			"no state":          func(s *billing.Subscription) { s.State = "" },
			"an unknown state":  func(s *billing.Subscription) { s.State = "asleep" },
		})
	putPayment := func(tx billing.Tx, p *billing.GatewayPayment) error { return tx.PutGatewayPayment(p) }
	good := func() billing.GatewayPayment { return w.gatewayPayment(0) }
	each(w, billing.Conflict, good, putPayment, map[string]func(*billing.GatewayPayment){
		"a negative id":     func(p *billing.GatewayPayment) { p.ID = -1 },
		"an account as top": func(p *billing.GatewayPayment) { p.Top = alice },
		"nothing":           func(p *billing.GatewayPayment) { p.Amount = 0 },
		"less than nothing": func(p *billing.GatewayPayment) { p.Amount = -1 },
		"no currency":       func(p *billing.GatewayPayment) { p.Currency = "" },
		"no status":         func(p *billing.GatewayPayment) { p.Status = "" },
	})
	nobody, noCard := billing.Account(9), billing.CardID(99)
	each(w, billing.NotFound, good, putPayment, map[string]func(*billing.GatewayPayment){
		"an unknown owner": func(p *billing.GatewayPayment) { p.Owner = nobody },
		"an unknown card":  func(p *billing.GatewayPayment) { p.Card = &noCard },
	})
	sub, other := newSubscription(50), newSubscription(51)
	other.Owner, other.Top = carol, zeta
	w.update(func(tx billing.Tx) error {
		for _, s := range []*billing.Subscription{&sub, &other} {
			if err := tx.PutSubscription(s); err != nil {
				return err
			}
		}
		for id := range billing.GatewayPaymentID(4) {
			p := w.gatewayPayment(50 + id)
			if id == 1 {
				p.Status = "pending"
			}
			if err := tx.PutGatewayPayment(&p); err != nil {
				return err
			}
		}
		return nil
	})
	create := func(tx billing.Tx, o *billing.Order) error { return tx.CreateOrder(o) }
	each(w, billing.Conflict, func() billing.Order { return newOrder(50, 50) }, create, map[string]func(*billing.Order){
		"a negative id":        func(o *billing.Order) { o.ID = -1 },
		"an account as top":    func(o *billing.Order) { o.Top = alice },
		"no type":              func(o *billing.Order) { o.Type = 0 },
		"no status":            func(o *billing.Order) { o.Status = 0 },
		"no time":              func(o *billing.Order) { o.CreatedAt = time.Time{} },
		"not paid":             func(o *billing.Order) { o.Payment = 51 },
		"no such payment":      func(o *billing.Order) { o.Payment = 99 },
		"no such subscription": func(o *billing.Order) { o.Subscription = 99 },
		"somebody else's":      func(o *billing.Order) { o.Subscription = 51 },
	})
	// Used once, and what was used stays as it is.
	w.refused(billing.Exists, "payment", func(tx billing.Tx) error {
		o := newOrder(50, 50)
		return tx.CreateOrder(&o)
	})
	w.refused(billing.Conflict, "", func(tx billing.Tx) error {
		p := w.gatewayPayment(50)
		p.Amount++
		return tx.PutGatewayPayment(&p)
	})
	w.refused(billing.Conflict, "", func(tx billing.Tx) error {
		s := newSubscription(50)
		s.Owner, s.Top = carol, zeta
		return tx.PutSubscription(&s)
	})
	for cause, kind := range map[string]billing.PostingKind{"gateway_payment:53": billing.PostPrepaid, "gateway_payment:52": billing.PostCredit} {
		w.refused(billing.Conflict, "", func(tx billing.Tx) error { // the posting of another payment, and none of a payment
			p := posting(alice, cause, 5)
			p.Kind = kind
			if err := tx.Post(p); err != nil {
				return err
			}
			o := newOrder(50, 52)
			o.Posting = p.ID
			return tx.CreateOrder(&o)
		})
	}
	if w.exec == nil {
		return
	}
	for _, query := range []string{
		"DELETE FROM orders", "UPDATE orders SET status = 4", "DELETE FROM gateway_payments", "DELETE FROM subscriptions",
	} {
		if w.exec(query) == nil {
			w.Errorf("%s went through", query)
		}
	}
}
