package hook

import (
	"encoding/json"
	"time"

	"topupd/billing"
)

// answer is the body of every answer. Members that are not here are ignored.
type answer struct {
	Outcome string `json:"outcome"`
	verdict
	RetryAfter int32 `json:"retry_after"` // seconds
}

// verdict is what answers and events say of a payment.
type verdict struct {
	Ref     string `json:"ref"`
	Class   string `json:"class"`
	Code    string `json:"code"`
	Advice  string `json:"advice"`
	Message string `json:"message"`
	Card    *card  `json:"card"`
}

type card struct {
	Fingerprint string `json:"fingerprint"`
	Brand       string `json:"brand"`
	Last4       string `json:"last4"`
	ExpMonth    int    `json:"exp_month"`
	ExpYear     int    `json:"exp_year"`
}

const maxRef = 255

// pending is the code of a payment that the processor has not decided about.
const pending = "pending"

// decodeAnswer reads a signed answer; wait is how long the bridge wants to be
// left alone. What the protocol does not know is unknown, and says so.
func decodeAnswer(k call, body []byte, limited bool, words words) (r billing.GatewayResult, wait time.Duration) {
	bad := func(why string) (billing.GatewayResult, time.Duration) {
		return billing.GatewayResult{Code: "bad_answer", Message: "the bridge's answer " + why, Trouble: billing.TroubleFault}, 0
	}
	var a answer
	if err := json.Unmarshal(body, &a); err != nil {
		return bad("is not the JSON that it should be: " + words.clean(err.Error(), maxMessage/2))
	}
	if len(a.Ref) > maxRef {
		return bad("has a ref of more than 255 bytes")
	}
	class, known := classOf(a.Class)
	r = a.result(words)
	switch a.Outcome {
	case "succeeded":
		if a.Ref == "" {
			return bad("is a success without ref")
		}
		r.Outcome = billing.OutcomeSucceeded
		return r, 0
	case "declined":
		if !known {
			return bad("has a class that is none of soft, hard, authentication_required")
		}
		return declined(k, r, class), 0
	case "not_attempted":
		r.Outcome = billing.OutcomeNotAttempted
	case "not_found":
		if k != callLookup {
			return bad("is not_found, which only a lookup may say")
		}
		r.Outcome = billing.OutcomeNotAttempted
	case "unknown":
	case "":
		return bad("has no outcome")
	default:
		return bad("has an outcome that is none of the five")
	}
	return troubled(k, r, limited || a.RetryAfter > 0), time.Duration(max(a.RetryAfter, 0)) * time.Second
}

// troubled says why there is no definite outcome. A lookup that was turned away
// has not looked, so "not attempted" is about the lookup itself. One that has
// looked did its work: what it did not find is no trouble.
func troubled(k call, r billing.GatewayResult, limited bool) billing.GatewayResult {
	switch {
	case limited:
		r.Trouble = billing.TroubleLimited
		if k == callLookup {
			r.Outcome = billing.OutcomeUnknown
		}
	case r.Outcome == billing.OutcomeUnknown && r.Code == pending:
		// The processor takes its time: it works, and no breaker should open.
	case k != callLookup || r.Outcome == billing.OutcomeUnknown:
		r.Trouble = billing.TroubleFault
	}
	return r
}

// declined fills in what a decline always has. A refund that is refused will be
// refused again; a card may have money tomorrow.
func declined(k call, r billing.GatewayResult, class billing.DeclineClass) billing.GatewayResult {
	r.Outcome, r.Class = billing.OutcomeDeclined, class
	if class == billing.DeclineNone {
		r.Class = billing.DeclineSoft
		if k == callRefund {
			r.Class = billing.DeclineHard
		}
	}
	if r.Code == "" {
		r.Code = "declined"
	}
	return r
}

func classOf(word string) (billing.DeclineClass, bool) {
	for _, c := range []billing.DeclineClass{
		billing.DeclineNone, billing.DeclineSoft, billing.DeclineHard, billing.DeclineAuthentication,
	} {
		if word == c.String() {
			return c, true
		}
	}
	return billing.DeclineNone, false
}

// result is the verdict without its outcome, in clean words.
func (v *verdict) result(words words) billing.GatewayResult {
	r := billing.GatewayResult{
		Ref: words.hide(v.Ref), Code: words.clean(v.Code, maxCode),
		Advice: words.clean(v.Advice, maxCode), Message: words.clean(v.Message, maxMessage),
	}
	if v.Card != nil {
		c := v.Card.known(words)
		r.Card = &c
	}
	return r
}

// known drops what cannot be true of a card: it is for people, and never a
// reason to doubt a payment.
func (c *card) known(words words) billing.GatewayCard {
	g := billing.GatewayCard{Brand: words.clean(c.Brand, maxBrand)}
	// One that holds a token or a number is none: cut or hidden, it would be the
	// same for different cards.
	if words.clean(c.Fingerprint, maxRef) == c.Fingerprint {
		g.Fingerprint = c.Fingerprint
	}
	if len(c.Last4) == 4 && digits(c.Last4) == 4 {
		g.Last4 = c.Last4
	}
	if c.ExpMonth >= 1 && c.ExpMonth <= 12 && c.ExpYear >= 2000 && c.ExpYear <= 2999 {
		g.ExpMonth, g.ExpYear = c.ExpMonth, c.ExpYear
	}
	return g
}
