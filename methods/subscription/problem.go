package subscription

import (
	"errors"
	"net/http"
	"strings"

	"topupd/billing"
)

// problem is an error of the interface: a sentence and, where a member is wrong, what is
// wrong with which.
type problem struct {
	status  int
	message string
	state   []modelError
}

type modelError struct{ key, text string }

const invalidRequest = "The request is invalid."

// wrong is a problem of one member of the body, or of the body as a whole.
func wrong(member, text string) *problem {
	return &problem{status: http.StatusBadRequest, message: invalidRequest, state: []modelError{{modelKey(member), text}}}
}

// modelKey names a member as model binding does: request.Amount; the body is request.
func modelKey(member string) string {
	if member == "" {
		return "request"
	}
	return "request." + member
}

// members names the member that an engine's field came from.
var members = map[string]string{
	"charge_amount": "Amount", "amount": "Amount", "threshold": "Threshold", "payment": "PaymentId",
}

// statuses are the answers to the engine's codes.
var statuses = map[billing.Code]int{
	billing.Internal:      http.StatusInternalServerError,
	billing.Missing:       http.StatusBadRequest,
	billing.Invalid:       http.StatusBadRequest,
	billing.NotFound:      http.StatusNotFound,
	billing.Forbidden:     http.StatusForbidden,
	billing.Exists:        http.StatusConflict,
	billing.Conflict:      http.StatusConflict,
	billing.Busy:          http.StatusServiceUnavailable,
	billing.WrongCurrency: http.StatusBadRequest,
	billing.KeyReused:     http.StatusConflict,
	billing.Overflow:      http.StatusBadRequest,
	billing.Blocked:       http.StatusForbidden,
}

// problem maps an engine's error (T-6).
func (a *api) problem(r *http.Request, err error) *problem {
	code, field := billing.ErrorCode(err), billing.ErrorField(err)
	status := statuses[code]
	switch {
	case code == billing.Internal:
		a.o.Failed(r.Context(), err)
		return &problem{status: status, message: "An error has occurred."}
	case code == billing.Busy:
		return &problem{status: status, message: "The service is busy and changed nothing, try again."}
	case code == billing.Conflict && field == "subscription", code == billing.NotFound && field == "payment":
		status = http.StatusBadRequest // only the address may be what is not found
	}
	p := &problem{status: status, message: sentence(err)}
	if member, ok := members[field]; ok {
		p.state = []modelError{{modelKey(member), p.message}}
		p.message = invalidRequest
	}
	return p
}

// sentence is what the engine says about an error, without its cause.
func sentence(err error) string {
	var e *billing.Error
	if !errors.As(err, &e) || e.Message == "" {
		return invalidRequest
	}
	text := e.Message
	if member, ok := members[e.Field]; ok {
		text = strings.ReplaceAll(text, e.Field, member)
	}
	if c := text[0]; c >= 'a' && c <= 'z' {
		text = string(c-'a'+'A') + text[1:]
	}
	return text + "."
}

func (p *problem) appendJSON(b []byte) []byte {
	b = appendJSONText(append(b, `{"Message":`...), p.message)
	if len(p.state) > 0 {
		b = append(b, `,"ModelState":{`...)
		for i, e := range p.state {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(appendJSONText(b, e.key), ":["...)
			b = append(appendJSONText(b, e.text), ']')
		}
		b = append(b, '}')
	}
	return append(b, '}')
}

func (p *problem) appendXML(b []byte) []byte {
	b = appendElement(append(b, "<Error>"...), "Message", p.message)
	if len(p.state) > 0 {
		b = append(b, "<ModelState>"...)
		for _, e := range p.state {
			b = appendElement(b, e.key, e.text)
		}
		b = appendEnd(b, "ModelState")
	}
	return appendEnd(b, "Error")
}

func (p *problem) write(w http.ResponseWriter, r *http.Request) {
	if p.status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "1")
	}
	write(w, negotiate(r), p.status, p)
}

// refuse answers for what is before the interface, in its shape.
func refuse(w http.ResponseWriter, r *http.Request, status int, message string) {
	write(w, negotiate(r), status, &problem{status: status, message: message})
}
