package sippy

import (
	"context"
	"strings"

	"topupd/billing"
	"topupd/methods/xmlrpc"
)

// payments is what these methods need of billing.Engine.
type payments interface {
	// MakePayment charges a card and waits for the outcome.
	MakePayment(ctx context.Context, p billing.MakePaymentParams) (billing.MadePayment, error)
	// MakePaymentByCard charges a card that is given with the call.
	MakePaymentByCard(ctx context.Context, p billing.MakePaymentByCardParams) (billing.MadePayment, error)
	// PaymentInfo reads one payment of an owner.
	PaymentInfo(ctx context.Context, o billing.OwnerID, id billing.PaymentID) (billing.Payment, error)
	// Payments lists an owner's, newest first.
	Payments(ctx context.Context, f billing.PaymentFilter) ([]billing.Payment, error)
}

func paymentMethods() []method {
	return []method{makePaymentMethod(), makePaymentByCardMethod(), getPaymentInfoMethod(), getPaymentsListMethod()}
}

// paymentMembers are what getPaymentInfo and each row of getPaymentsList tell.
var paymentMembers = []param{
	{name: "payment_time", kind: "string", note: "as in 09:57:29.000 GMT Tue Apr 07 2026"},
	{name: "amount", kind: "double", note: "above 0, whichever way the money went"},
	{name: "currency", kind: "string"},
	{name: "tx_id", kind: "string", note: "the gateway's reference"},
	{name: "tx_error", kind: "string"},
	{name: "tx_result", kind: "int", note: "1 is done, 2 failed, 0 not known yet"},
	{name: "by_credit_debit_card", kind: "boolean"},
	{name: "by_voucher", kind: "boolean"},
	{name: "notes", kind: "string"},
}

// paymentReply appends the members of a payment (S-304, S-305).
func paymentReply(to []xmlrpc.Member, p *billing.Payment) []xmlrpc.Member {
	result, failure := txResult(p)
	return append(to,
		xmlrpc.Member{Name: "payment_time", Value: xmlrpc.String(formatDate(p.At))},
		xmlrpc.Member{Name: "amount", Value: double(max(p.Micros, -p.Micros))},
		xmlrpc.Member{Name: "currency", Value: xmlrpc.String(string(p.Unit))},
		xmlrpc.Member{Name: "tx_id", Value: xmlrpc.String(plain(p.Ref))},
		xmlrpc.Member{Name: "tx_error", Value: xmlrpc.String(plain(failure))},
		xmlrpc.Member{Name: "tx_result", Value: xmlrpc.Int(result)},
		xmlrpc.Member{Name: "by_credit_debit_card", Value: xmlrpc.Bool(p.ByCard())},
		xmlrpc.Member{Name: "by_voucher", Value: xmlrpc.Bool(p.ByVoucher())},
		xmlrpc.Member{Name: "notes", Value: xmlrpc.String(notesOf(p))},
	)
}

func txResult(p *billing.Payment) (result int64, failure string) {
	switch p.Result() {
	case billing.PaymentOK:
		return 1, ""
	case billing.PaymentFailed:
		return 2, p.Error()
	}
	return 0, pending(p)
}

// pending keeps the outcomes apart that are none yet: not known, declined and to be
// tried again, not taken by the gateway, not sent.
func pending(p *billing.Payment) string {
	switch {
	case p.State == billing.ChargeUnknown || p.State == billing.ChargeUnresolved:
		return "pending: the outcome is unknown"
	case p.State == billing.ChargeSubmitted:
		return "pending: sent"
	case p.Attempt == billing.AttemptDeclined:
		return "pending: declined, tried again later: " + p.Code
	case p.Attempt == billing.AttemptNotSent:
		return "pending: not attempted: " + p.Code
	}
	return "pending: not sent"
}

// notesOf is what the caller noted, or what a charge was for and on which card.
func notesOf(p *billing.Payment) string {
	what := ""
	switch p.Purpose {
	case billing.PurposeLowBalance:
		what = "low balance"
	case billing.PurposeBillingRun:
		what = "billing run"
	case billing.PurposeManual:
		what = "payment"
	default:
		return p.Notes
	}
	if p.Card != "" {
		what += ": " + p.Card
	}
	return what
}

// plain is a gateway's text without what a client that never unescapes would show
// (1.7), in one line.
func plain(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '<' || r == '>' || r == '&':
			return -1
		case r < ' ' || r == 0x7f:
			return ' '
		}
		return r
	}, text)
}
