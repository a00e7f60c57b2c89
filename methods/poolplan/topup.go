package poolplan

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strconv"
	"time"

	"topupd/billing"
	"topupd/methods"
)

// topUp acknowledges a request to top up the pool plan of a customer. What is wrong with
// the values is told after what is wrong with customer and plan, so that the documented
// codes come in their order.
func (a *api) topUp(w http.ResponseWriter, r *http.Request) {
	p, err := decodeTopUp(r)
	if err != nil {
		a.fail(w, r, err)
		return
	}
	if n := pathID(r, "customerId"); n > 0 && n <= billing.MaxOwnerNumber {
		p.Customer = billing.Customer(n)
	}
	p.Offer = billing.OfferID(pathID(r, "offerId"))
	id, err := a.engine.TopUpPoolPlan(r.Context(), p)
	if err != nil {
		a.fail(w, r, err)
		return
	}
	w.Header().Set("Request-Id", string(id))
	ack(w, `"requestId":`+quote(string(id)))
}

// pathID is an id of the path, 0 for what can be none.
func pathID(r *http.Request, name string) int64 {
	n, err := strconv.ParseInt(r.PathValue(name), 10, 64)
	if err != nil || n < 0 {
		return 0
	}
	return n
}

// topUpBody keeps the values as they were written: a number's text is exact.
type topUpBody struct {
	Charge         json.RawMessage `json:"charge"`
	Currency       json.RawMessage `json:"currency"`
	ExpirationDate json.RawMessage `json:"expirationDate"`
	Allowance      json.RawMessage `json:"allowance"`
}

// maxBody bounds a body where nothing before has.
const maxBody = 1 << 20

// decodeTopUp reads the body. Its error is what cannot be read at all; what is wrong with
// single values is in Form.
func decodeTopUp(r *http.Request) (p billing.TopUpPoolPlanParams, err error) {
	if kind := r.Header.Get("Content-Type"); kind != "" {
		if media, _, err := mime.ParseMediaType(kind); err != nil || media != "application/json" {
			return p, ours(http.StatusUnsupportedMediaType, "The body is application/json")
		}
	}
	text, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large) || len(text) > maxBody:
		return p, ours(http.StatusRequestEntityTooLarge, "The body is too large")
	case err != nil:
		return p, ours(http.StatusBadRequest, "The body could not be read")
	}
	var b topUpBody
	if text = bytes.TrimSpace(text); len(text) == 0 || text[0] != '{' || methods.DecodeExact(text, &b) != nil {
		p.Form = ours(http.StatusBadRequest, "The body is not a JSON object")
		return p, nil
	}
	p.Form = b.fill(&p)
	return p, nil
}

// fill reads every value it can and returns what is wrong with the first that it cannot.
func (b *topUpBody) fill(p *billing.TopUpPoolPlanParams) (wrong error) {
	note := func(err error) {
		if err != nil && wrong == nil {
			wrong = err
		}
	}
	var err error
	p.Charge, err = decimalOf("charge", b.Charge)
	note(err)
	p.Currency, err = textOf("currency", b.Currency)
	note(err)
	p.Expires = dateOf(b.ExpirationDate)
	p.Allowances, err = allowancesOf(b.Allowance)
	note(err)
	return wrong
}

func absent(raw json.RawMessage) bool { return len(raw) == 0 || string(raw) == "null" }

func decimalOf(name string, raw json.RawMessage) (int64, error) {
	switch {
	case absent(raw):
		return 0, billing.Errorf(billing.Missing, name, "it is required")
	case raw[0] != '-' && (raw[0] < '0' || raw[0] > '9'):
		return 0, billing.Errorf(billing.Invalid, name, "a number is needed")
	}
	micros, err := billing.ParseWireMicros(string(raw))
	if err != nil {
		return 0, billing.Errorf(billing.ErrorCode(err), name, "a number with at most six decimals that can be kept is needed")
	}
	return micros, nil
}

func textOf(name string, raw json.RawMessage) (text string, err error) {
	switch {
	case absent(raw):
		return "", billing.Errorf(billing.Missing, name, "it is required")
	case json.Unmarshal(raw, &text) != nil:
		return "", billing.Errorf(billing.Invalid, name, "a string is needed")
	}
	return text, nil
}

// dateOf reads DDMMYYYY; what is no date is null, which the engine refuses where a date
// counts.
func dateOf(raw json.RawMessage) billing.Change[time.Time] {
	if absent(raw) {
		return billing.Change[time.Time]{}
	}
	var text string
	if json.Unmarshal(raw, &text) == nil {
		if day, err := time.Parse("02012006", text); err == nil && day.Year() > 0 {
			return billing.To(day)
		}
	}
	return billing.ToNull[time.Time]()
}

// allowancesOf reads a list of allowances, or a single one. What was read before a wrong
// one is kept: a balance that is not there is told first.
func allowancesOf(raw json.RawMessage) ([]billing.Allowance, error) {
	if absent(raw) {
		return nil, billing.Errorf(billing.Missing, "allowance", "it is required")
	}
	var list []json.RawMessage
	switch raw[0] {
	case '{':
		list = []json.RawMessage{raw}
	case '[':
		if err := json.Unmarshal(raw, &list); err != nil {
			return nil, billing.Errorf(billing.Invalid, "allowance", "a list of objects is needed")
		}
	default:
		return nil, billing.Errorf(billing.Invalid, "allowance", "a list of objects is needed")
	}
	if len(list) == 0 {
		return nil, billing.Errorf(billing.Invalid, "allowance", "at least one allowance is needed")
	}
	var all []billing.Allowance
	var wrong error
	for _, item := range list {
		a, err := allowanceOf(item)
		if err != nil && wrong == nil {
			wrong = err
		}
		if a.Word != "" {
			all = append(all, a)
		}
	}
	return all, wrong
}

func allowanceOf(raw json.RawMessage) (a billing.Allowance, err error) {
	var o struct {
		Currency json.RawMessage `json:"currency"`
		Value    json.RawMessage `json:"value"`
	}
	if len(raw) == 0 || raw[0] != '{' || methods.DecodeExact(raw, &o) != nil {
		return a, billing.Errorf(billing.Invalid, "allowance", "a list of objects is needed")
	}
	if a.Word, err = textOf("allowance.currency", o.Currency); err != nil {
		return a, err
	}
	a.Micros, err = decimalOf("allowance.value", o.Value)
	return a, err
}
