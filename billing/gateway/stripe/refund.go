package stripe

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/stripe/stripe-go/v85"

	"topupd/billing"
)

const refundsPath = "/v1/refunds"

// Refund gives back what a PaymentIntent captured. Stripe forgets a key after a
// day, so what the payment has been refunded already is read first: a refund
// that is asked for again later is found by its key, not made again.
func (g *Gateway) Refund(ctx context.Context, r billing.GatewayRefund) billing.GatewayResult {
	amount, err := minorUnits(r.Amount)
	if err != nil || r.Key == "" && r.GatewayRef == "" || len(r.Key) > 255 || strings.TrimSpace(r.Key) != r.Key || r.ChargeRef == "" {
		return billing.GatewayResult{
			Outcome: billing.OutcomeNotAttempted, Code: "invalid_request",
			Message: "a refund needs a key, a payment and an amount in Stripe's units",
		}
	}
	if r.GatewayRef != "" {
		var made refund
		if f := g.call(ctx, http.MethodGet, refundsPath+"/"+url.PathEscape(r.GatewayRef), "", &stripe.RefundRetrieveParams{}, &made); f != nil {
			return f.unseen(r.GatewayRef)
		}
		return made.result(&r, amount)
	}
	made, res := g.findRefund(ctx, &r)
	switch {
	case made != nil:
		return made.result(&r, amount)
	case res != nil:
		return *res
	}
	return g.makeRefund(ctx, &r, amount)
}

// findRefund is the refund that was made under this key, or a result when that
// cannot be told; both nil is: there is none.
func (g *Gateway) findRefund(ctx context.Context, r *billing.GatewayRefund) (*refund, *billing.GatewayResult) {
	params := &stripe.RefundListParams{PaymentIntent: stripe.String(r.ChargeRef)}
	params.Limit = stripe.Int64(100)
	var page refundList
	if f := g.call(ctx, http.MethodGet, refundsPath, "", params, &page); f != nil {
		res := f.unseen("")
		if f.what == refused {
			res = f.unrefundable()
		}
		return nil, &res
	}
	for i := range page.Data {
		if made := &page.Data[i]; made.Metadata[metaKey] == r.Key {
			return made, nil
		}
	}
	if page.HasMore {
		return nil, &billing.GatewayResult{Code: "too_many_refunds", Message: "the payment has too many refunds to tell them apart"}
	}
	return nil, nil
}

func (g *Gateway) makeRefund(ctx context.Context, r *billing.GatewayRefund, amount int64) billing.GatewayResult {
	params := &stripe.RefundCreateParams{
		PaymentIntent: stripe.String(r.ChargeRef), Amount: stripe.Int64(amount),
		Metadata: map[string]string{
			metaKey:     r.Key,
			metaRefund:  strconv.FormatInt(int64(r.RefundID), 10),
			metaCharge:  strconv.FormatInt(int64(r.ChargeID), 10),
			metaAttempt: r.ChargeKey,
		},
	}
	var made refund
	f := g.call(ctx, http.MethodPost, refundsPath, r.Key, params, &made)
	switch {
	case f == nil:
		return made.result(r, amount)
	case f.what == unsent || f.what == limited || f.what == unkeyed:
		return f.notAttempted("")
	case f.what == refused || f.what == declined:
		return f.unrefundable()
	default:
		return f.unknown("")
	}
}

// unrefundable is Stripe's refusal of a refund: more than is left, given back
// already, disputed, not known. The account's own lack of money may pass.
func (f *failure) unrefundable() billing.GatewayResult {
	r := billing.GatewayResult{
		Outcome: billing.OutcomeDeclined, Class: billing.DeclineHard, Code: f.said.word(),
		Message: "Stripe refused the refund",
	}
	if r.Code == string(stripe.ErrorCodeBalanceInsufficient) {
		r.Class = billing.DeclineSoft
	}
	return r
}

// result is what a refund's status says.
func (made *refund) result(r *billing.GatewayRefund, amount int64) billing.GatewayResult {
	key, marked := made.Metadata[metaKey]
	if made.ID == "" || made.Amount != amount || made.Currency != currencyCode(r.Amount.Unit) || marked && key != r.Key {
		return billing.GatewayResult{
			Ref: made.ID, Code: "refund_mismatch", Message: "Stripe's refund differs from this one in key, amount or currency",
		}
	}
	return made.standing()
}

// standing is a refund's outcome. "Pending" is unknown: it is asked about again,
// or a webhook tells.
func (made *refund) standing() billing.GatewayResult {
	res := billing.GatewayResult{Ref: made.ID}
	switch made.Status {
	case "succeeded":
		res.Outcome = billing.OutcomeSucceeded
	case "failed", "canceled":
		res.Outcome, res.Class, res.Code = billing.OutcomeDeclined, billing.DeclineHard, made.Status
		if made.FailureReason != "" {
			res.Code = (&apiError{Code: made.FailureReason}).word()
		}
		res.Message = "the refund did not reach the card"
	case "pending", "requires_action":
		res.Code, res.Message = made.Status, "the refund is under way"
	default:
		res.Code, res.Message = "unexpected_status", "the refund has a status that topupd does not use"
	}
	return res
}
