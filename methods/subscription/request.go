package subscription

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"topupd/billing"
)

// request is the source page's EnableAutoTopupRequest. None of its members can be null,
// so one that is missing is 0.
type request struct {
	payment   int64
	amount    int64 // millionths
	threshold int64 // millionths
}

// maxBody bounds a body; three members need far less.
const maxBody = 1 << 20

// subscriptionOf reads the id of the address.
func subscriptionOf(r *http.Request) (billing.SubscriptionID, *problem) {
	n, err := strconv.ParseInt(r.PathValue("subscriptionId"), 10, 64)
	if err != nil {
		return 0, &problem{status: http.StatusBadRequest, message: invalidRequest, state: []modelError{{"subscriptionId", "An integer is needed."}}}
	}
	return billing.SubscriptionID(n), nil
}

// reader takes the members out of a body that is UTF-8, by name and text.
type reader func(body []byte, m *found) *problem

var readers = map[string]reader{
	"application/json":                  readJSON,
	"text/json":                         readJSON,
	"text/html":                         readJSON, // where browsers were shown JSON, it is taken too
	"application/xml":                   readXML,
	"text/xml":                          readXML,
	"application/x-www-form-urlencoded": readForm,
}

// decode reads the body by its media type.
func decode(r *http.Request) (request, *problem) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge) || len(body) > maxBody:
		return request{}, &problem{status: http.StatusRequestEntityTooLarge, message: "The request is too large."}
	case err != nil:
		return request{}, wrong("", "The body could not be read.")
	case len(body) == 0:
		return request{}, wrong("", "A body is needed.")
	}
	read, charset, p := readerOf(r)
	if p != nil {
		return request{}, p
	}
	body, ok := utf8Body(body, charset)
	if !ok {
		return request{}, wrong("", "The body is not text in the character set that it claims.")
	}
	var m found
	if p := read(body, &m); p != nil {
		return request{}, p
	}
	return m.request()
}

// readerOf finds the reader of the request's media type.
func readerOf(r *http.Request) (read reader, charset string, p *problem) {
	header := r.Header.Get("Content-Type")
	media, params, err := mime.ParseMediaType(header)
	read = readers[media]
	charset = strings.ToLower(params["charset"])
	switch coding := r.Header.Get("Content-Encoding"); {
	case header == "":
		return nil, "", unsupported("A Content-Type is needed.")
	case err != nil || read == nil:
		return nil, "", unsupported("The media type " + strconv.QuoteToASCII(header) + " is not supported.")
	case coding != "" && !strings.EqualFold(coding, "identity"):
		return nil, "", unsupported("The content encoding " + strconv.QuoteToASCII(coding) + " is not supported.")
	}
	switch charset {
	case "", "utf-8", "utf8", "us-ascii", "utf-16", "utf-16le", "utf-16be":
		return read, charset, nil
	}
	return nil, "", unsupported("The character set " + strconv.QuoteToASCII(charset) + " is not supported.")
}

func unsupported(message string) *problem {
	return &problem{status: http.StatusUnsupportedMediaType, message: message}
}

// utf8Body is the body in UTF-8, without a byte order mark, which decides before charset.
func utf8Body(body []byte, charset string) ([]byte, bool) {
	big := charset == "utf-16be"
	wide := strings.HasPrefix(charset, "utf-16")
	switch {
	case len(body) >= 3 && string(body[:3]) == "\xEF\xBB\xBF":
		body, wide = body[3:], false
	case len(body) >= 2 && body[0] == 0xFF && body[1] == 0xFE:
		body, wide, big = body[2:], true, false
	case len(body) >= 2 && body[0] == 0xFE && body[1] == 0xFF:
		body, wide, big = body[2:], true, true
	}
	if !wide {
		return body, utf8.Valid(body)
	}
	if len(body)%2 != 0 {
		return nil, false
	}
	units := make([]uint16, len(body)/2)
	for i := range units {
		hi, lo := body[2*i+1], body[2*i]
		if big {
			hi, lo = lo, hi
		}
		units[i] = uint16(hi)<<8 | uint16(lo)
	}
	return []byte(string(utf16.Decode(units))), true
}

// found are the members of a body, by their place in memberNames. A nil text is none.
type found [3]*value

// value is a member's text; bad says why there is none that could be a number.
type value struct {
	text string
	bad  string
}

const (
	atPayment = iota
	atAmount
	atThreshold
)

var memberNames = [3]string{atPayment: "PaymentId", atAmount: "Amount", atThreshold: "Threshold"}

// put keeps a member; others are ignored, and the case of a name decides nothing. What
// is given twice is refused: nobody can know which was meant.
func (m *found) put(name string, v value) {
	for i, known := range memberNames {
		if !strings.EqualFold(name, known) {
			continue
		}
		if m[i] != nil {
			v = value{bad: "It is given twice."}
		}
		m[i] = &v
	}
}

// request reads the texts; all that is wrong is told at once.
func (m *found) request() (request, *problem) {
	var in request
	p := &problem{status: http.StatusBadRequest, message: invalidRequest}
	in.payment = m.integer(atPayment, p)
	in.amount = m.decimal(atAmount, p)
	in.threshold = m.decimal(atThreshold, p)
	if len(p.state) > 0 {
		return request{}, p
	}
	return in, nil
}

func (m *found) integer(at int, p *problem) int64 {
	v := m[at]
	if v == nil {
		return 0
	}
	n, err := strconv.ParseInt(strings.TrimSpace(v.text), 10, 64)
	switch {
	case v.bad != "":
		p.add(at, v.bad)
	case errors.Is(err, strconv.ErrRange):
		p.add(at, "The number is out of range.")
	case err != nil:
		p.add(at, "An integer is needed.")
	}
	return n
}

func (m *found) decimal(at int, p *problem) int64 {
	v := m[at]
	if v == nil {
		return 0
	}
	n, err := billing.ParseWireMicros(strings.TrimSpace(v.text))
	switch {
	case v.bad != "":
		p.add(at, v.bad)
	case errors.Is(err, billing.Overflow):
		p.add(at, "The number is out of range.")
	case err != nil:
		p.add(at, "A decimal number with at most six decimals is needed.")
	case n < 0:
		p.add(at, "The number must not be negative.")
	}
	return n
}

func (p *problem) add(at int, text string) {
	p.state = append(p.state, modelError{modelKey(memberNames[at]), text})
}
