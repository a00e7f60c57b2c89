package db

import "topupd/billing"

const subscriptionColumns = `s.id, s.owner_id, s.top_id, s.phone_number, s.category, s.wholesale_partner, s.sales_code, s.state`

func scanSubscription(r *row, s *billing.Subscription) {
	s.ID = billing.SubscriptionID(r.int64())
	s.Owner = billing.OwnerID(r.int64())
	s.Top = billing.OwnerID(r.int64())
	s.PhoneNumber = r.text()
	s.Category = r.opt()
	s.WholesalePartner = r.opt()
	s.SalesCode = r.optText()
	s.State = billing.SubscriptionState(r.text())
}

const (
	sqlSubscription  = `SELECT ` + subscriptionColumns + ` FROM subscriptions s WHERE s.id = $1`
	sqlSubscriptions = `SELECT ` + subscriptionColumns + ` FROM subscriptions s JOIN owners o ON o.id = s.owner_id
WHERE s.id > $1 AND o.deleted_at IS NULL ORDER BY s.id LIMIT $2`
)

func (r *reader) Subscription(id billing.SubscriptionID) (billing.Subscription, error) {
	return one(r, "subscription", scanSubscription, sqlSubscription, int64(id))
}

func (r *reader) Subscriptions(after billing.SubscriptionID, limit int) ([]billing.Subscription, error) {
	return list(r, scanSubscription, sqlSubscriptions, int64(after), limitOf(limit))
}

const (
	sqlNextSubscription = `SELECT COALESCE(MAX(id), 0) + 1 FROM subscriptions`
	sqlAddSubscription  = `INSERT INTO subscriptions (id, owner_id, top_id, phone_number, category, wholesale_partner, sales_code, state)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (id) DO NOTHING`
	sqlReplaceSubscription = `UPDATE subscriptions SET owner_id = $2, top_id = $3, phone_number = $4, category = $5,
    wholesale_partner = $6, sales_code = $7, state = $8
WHERE id = $1`
)

func (t *tx) PutSubscription(s *billing.Subscription) error {
	id, err := t.idOr(int64(s.ID), sqlNextSubscription)
	if err != nil {
		return err
	}
	err = t.put(sqlAddSubscription, sqlReplaceSubscription, id, int64(s.Owner), int64(s.Top), s.PhoneNumber, s.Category,
		s.WholesalePartner, optText(s.SalesCode), string(s.State))
	if err == nil {
		s.ID = billing.SubscriptionID(id)
	}
	return err
}

const gatewayPaymentColumns = `p.id, p.owner_id, p.top_id, p.amount, p.currency, p.card_id, p.status`

func scanGatewayPayment(r *row, p *billing.GatewayPayment) {
	p.ID = billing.GatewayPaymentID(r.int64())
	p.Owner = billing.OwnerID(r.int64())
	p.Top = billing.OwnerID(r.int64())
	p.Amount = r.int64()
	p.Currency = billing.Unit(r.text())
	if card := r.opt(); card != nil {
		p.Card = (*billing.CardID)(card)
	}
	p.Status = r.text()
}

const (
	sqlGatewayPayment  = `SELECT ` + gatewayPaymentColumns + ` FROM gateway_payments p WHERE p.id = $1`
	sqlGatewayPayments = `SELECT ` + gatewayPaymentColumns + ` FROM gateway_payments p JOIN owners o ON o.id = p.owner_id
WHERE p.id > $1 AND o.deleted_at IS NULL ORDER BY p.id LIMIT $2`
	sqlPaidWithCard = `SELECT 1 FROM gateway_payments WHERE card_id = $1 LIMIT 1`
)

func (r *reader) GatewayPayment(id billing.GatewayPaymentID) (billing.GatewayPayment, error) {
	return one(r, "payment", scanGatewayPayment, sqlGatewayPayment, int64(id))
}

func (r *reader) GatewayPayments(after billing.GatewayPaymentID, limit int) ([]billing.GatewayPayment, error) {
	return list(r, scanGatewayPayment, sqlGatewayPayments, int64(after), limitOf(limit))
}

func (r *reader) PaidWithCard(card billing.CardID) (bool, error) {
	return r.first(func(*row) {}, sqlPaidWithCard, int64(card))
}

const (
	sqlNextGatewayPayment = `SELECT COALESCE(MAX(id), 0) + 1 FROM gateway_payments`
	sqlAddGatewayPayment  = `INSERT INTO gateway_payments (id, owner_id, top_id, amount, currency, card_id, status)
VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (id) DO NOTHING`
	sqlReplaceGatewayPayment = `UPDATE gateway_payments SET owner_id = $2, top_id = $3, amount = $4, currency = $5, card_id = $6, status = $7
WHERE id = $1`
)

func (t *tx) PutGatewayPayment(p *billing.GatewayPayment) error {
	id, err := t.idOr(int64(p.ID), sqlNextGatewayPayment)
	if err != nil {
		return err
	}
	err = t.put(sqlAddGatewayPayment, sqlReplaceGatewayPayment, id, int64(p.Owner), int64(p.Top), p.Amount, string(p.Currency),
		optRef(p.Card), p.Status)
	if err == nil {
		p.ID = billing.GatewayPaymentID(id)
	}
	return err
}

const orderColumns = `d.id, d.subscription_id, d.payment_id, d.top_id, d.posting_id, d.order_type, d.status, d.created_at,
    d.effective_at, d.phone_number, d.category, d.wholesale_partner, d.sales_code`

func scanOrder(r *row, d *billing.Order) {
	d.ID = billing.OrderID(r.int64())
	d.Subscription = billing.SubscriptionID(r.int64())
	d.Payment = billing.GatewayPaymentID(r.int64())
	d.Top = billing.OwnerID(r.int64())
	d.Posting = billing.PostingID(r.int64())
	d.Type = billing.OrderType(r.int64())
	d.Status = billing.OrderStatus(r.int64())
	d.CreatedAt = r.time()
	d.EffectiveAt = r.time()
	d.PhoneNumber = r.text()
	d.Category = r.opt()
	d.WholesalePartner = r.opt()
	d.SalesCode = r.optText()
}

const (
	sqlOrder          = `SELECT ` + orderColumns + ` FROM orders d WHERE d.id = $1`
	sqlOrderByPayment = `SELECT ` + orderColumns + ` FROM orders d WHERE d.payment_id = $1`
	sqlNewestOrder    = `SELECT ` + orderColumns + ` FROM orders d WHERE d.subscription_id = $1 ORDER BY d.id DESC LIMIT 1`
	sqlOrders         = `SELECT ` + orderColumns + ` FROM orders d JOIN subscriptions s ON s.id = d.subscription_id
JOIN owners o ON o.id = s.owner_id
WHERE d.id > $1 AND o.deleted_at IS NULL ORDER BY d.id LIMIT $2`
)

func (r *reader) Order(id billing.OrderID) (billing.Order, error) {
	return one(r, "order", scanOrder, sqlOrder, int64(id))
}

func (r *reader) OrderByPayment(id billing.GatewayPaymentID) (billing.Order, error) {
	return one(r, "order", scanOrder, sqlOrderByPayment, int64(id))
}

func (r *reader) NewestOrder(id billing.SubscriptionID) (billing.Order, error) {
	return one(r, "order", scanOrder, sqlNewestOrder, int64(id))
}

func (r *reader) Orders(after billing.OrderID, limit int) ([]billing.Order, error) {
	return list(r, scanOrder, sqlOrders, int64(after), limitOf(limit))
}

const (
	sqlNextOrder = `SELECT COALESCE(MAX(id), 0) + 1 FROM orders`
	sqlAddOrder  = `INSERT INTO orders (id, subscription_id, payment_id, top_id, posting_id, order_type, status, created_at,
    effective_at, phone_number, category, wholesale_partner, sales_code)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`
)

func (t *tx) CreateOrder(d *billing.Order) error {
	id, err := t.idOr(int64(d.ID), sqlNextOrder)
	if err != nil {
		return err
	}
	_, err = t.exec(sqlAddOrder, id, int64(d.Subscription), int64(d.Payment), int64(d.Top), ref(d.Posting), int64(d.Type),
		int64(d.Status), d.CreatedAt, d.EffectiveAt, d.PhoneNumber, d.Category, d.WholesalePartner, optText(d.SalesCode))
	if err == nil {
		d.ID = billing.OrderID(id)
	}
	return err
}
