package subscription

import (
	"net/http"

	"topupd/billing"
)

// enable tops up with a payment and switches automatic top-ups on.
func (a *api) enable(w http.ResponseWriter, r *http.Request) {
	id, problem := subscriptionOf(r)
	if problem == nil {
		var in request
		if in, problem = decode(r); problem == nil {
			order, err := a.engine.EnableAutoTopup(r.Context(), billing.EnableAutoTopupParams{
				Subscription: id, Payment: billing.GatewayPaymentID(in.payment), Amount: in.amount, Threshold: in.threshold,
			})
			if err == nil {
				write(w, negotiate(r), http.StatusOK, a.order(&order))
				return
			}
			problem = a.problem(r, err)
		}
	}
	problem.write(w, r)
}

// order is the source page's Order. SubscriptionId is the one number that may be null
// there; a category or partner that is not known is 0 (T-4).
func (a *api) order(o *billing.Order) record {
	zone := a.engine.Location()
	return record{"Order", []field{
		number("CategoryId", orZero(o.Category)),
		date("CreatedDate", o.CreatedAt, zone),
		date("Date", o.EffectiveAt, zone),
		number("Id", int64(o.ID)),
		number("OrderTypeId", int64(o.Type)),
		text("PhoneNumber", &o.PhoneNumber),
		text("SalesCode", o.SalesCode),
		number("StatusId", int64(o.Status)),
		numberOrNull("SubscriptionId", int64(o.Subscription)),
		number("WholeSalesPartnerId", orZero(o.WholesalePartner)),
	}}
}

func orZero(n *int64) int64 {
	if n == nil {
		return 0
	}
	return *n
}
