package billing

import "time"

type (
	// SubscriptionID names a subscription of the subscription interface.
	SubscriptionID int64
	// GatewayPaymentID names a payment that its owner already made at a gateway.
	GatewayPaymentID int64
	// OrderID names an order.
	OrderID int64
)

// Subscription is a telephone line of an owner. Its money is the owner's.
type Subscription struct {
	ID          SubscriptionID
	Owner       OwnerID
	Top         OwnerID
	PhoneNumber string
	// Category, WholesalePartner and SalesCode decide nothing; nil is none.
	Category         *int64
	WholesalePartner *int64
	SalesCode        *string
	State            SubscriptionState
}

// SubscriptionState is whether a subscription still takes orders.
type SubscriptionState string

// The states.
const (
	SubscriptionActive     SubscriptionState = "active"
	SubscriptionTerminated SubscriptionState = "terminated"
)

// GatewayPayment is a payment that its owner made at a gateway, not through us: the
// money is there, and waits for what it is for. An order uses it, once.
type GatewayPayment struct {
	ID       GatewayPaymentID
	Owner    OwnerID
	Top      OwnerID
	Amount   int64 // millionths, above 0
	Currency Unit
	Card     *CardID // what paid; nil: not known
	// Status is the gateway's word; only PaymentPaid may be used.
	Status string
}

// PaymentPaid is the status of a payment whose money is there.
const PaymentPaid = "paid"

// Order says that a payment topped up a subscription. It is never changed: what it
// shows of the subscription is as it was then.
type Order struct {
	ID           OrderID
	Subscription SubscriptionID
	Payment      GatewayPaymentID // unique: a payment is used once
	Top          OwnerID
	// Posting is the credit; 0 for an order that was imported.
	Posting     PostingID
	Type        OrderType
	Status      OrderStatus
	CreatedAt   time.Time
	EffectiveAt time.Time

	PhoneNumber      string
	Category         *int64
	WholesalePartner *int64
	SalesCode        *string
}

// OrderType is what was ordered; the numbers are ours, no table of them is public.
type OrderType int64

// The types.
const (
	OrderNew       OrderType = 1
	OrderTopup     OrderType = 2 // a top-up that somebody asked for
	OrderAutoTopup OrderType = 3
)

// OrderStatus is how far an order is; the numbers are ours too.
type OrderStatus int64

// The states.
const (
	OrderReceived   OrderStatus = 1
	OrderProcessing OrderStatus = 2
	OrderCompleted  OrderStatus = 3
	OrderFailed     OrderStatus = 4
)

// SubscriptionReader reads subscriptions, payments made at gateways, and orders. Lists
// leave out those of deleted owners.
type SubscriptionReader interface {
	Subscription(SubscriptionID) (Subscription, error)
	Subscriptions(after SubscriptionID, limit int) ([]Subscription, error)
	GatewayPayment(GatewayPaymentID) (GatewayPayment, error)
	GatewayPayments(after GatewayPaymentID, limit int) ([]GatewayPayment, error)
	// PaidWithCard reports whether a payment names the card.
	PaidWithCard(CardID) (bool, error)
	Order(OrderID) (Order, error)
	OrderByPayment(GatewayPaymentID) (Order, error)
	// NewestOrder is the subscription's order with the highest id.
	NewestOrder(SubscriptionID) (Order, error)
	Orders(after OrderID, limit int) ([]Order, error)
}

// SubscriptionWriter writes them.
type SubscriptionWriter interface {
	// PutSubscription inserts or replaces. One that has orders stays with its owner (Conflict).
	PutSubscription(*Subscription) error
	// PutGatewayPayment inserts or replaces one that was not used (Conflict if it was).
	PutGatewayPayment(*GatewayPayment) error
	// CreateOrder inserts. Errors: Exists with field "payment" (it was used); Conflict
	// unless the payment is paid and of the subscription's owner, and the posting its.
	CreateOrder(*Order) error
}
