package profiles

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"topupd/billing"
)

var errMedia = errors.New("application/json is needed")

// members are those of a request's body, taken one by one; what is left is unknown.
type members struct {
	raw map[string]json.RawMessage
	err error // the first thing that was wrong
}

// body reads an object. What may be sent and means nothing is ignored. A body without a
// media type is JSON.
func body(r *http.Request, ignored ...string) (*members, error) {
	if kind := r.Header.Get("Content-Type"); kind != "" {
		if media, _, err := mime.ParseMediaType(kind); err != nil || media != "application/json" {
			return nil, errMedia
		}
	}
	text, err := io.ReadAll(r.Body)
	if err != nil {
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			return nil, err
		}
		return nil, &malformed{"", "the body cannot be read"}
	}
	m := &members{}
	d := json.NewDecoder(bytes.NewReader(text))
	if err := d.Decode(&m.raw); err != nil || m.raw == nil {
		return nil, &malformed{"", "the body is no JSON object"}
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, &malformed{"", "something follows the JSON object"}
	}
	for _, name := range ignored {
		delete(m.raw, name)
	}
	return m, nil
}

// end is the first error; a member that nobody took is one.
func (m *members) end() error {
	if m.err != nil {
		return m.err
	}
	names := make([]string, 0, len(m.raw))
	for name := range m.raw {
		names = append(names, name)
	}
	if len(names) == 0 {
		return nil
	}
	return wrong(slices.Min(names), "unknown field")
}

func (m *members) refuse(field, message string) {
	if m.err == nil {
		m.err = wrong(field, message)
	}
}

// take reads a member as a change: absent, null or a value.
func take[T any](m *members, field string, read func([]byte) (T, string)) billing.Change[T] {
	raw, given := m.raw[field]
	delete(m.raw, field)
	switch {
	case !given:
		return billing.Change[T]{}
	case string(raw) == "null":
		return billing.ToNull[T]()
	}
	v, bad := read(raw)
	if bad != "" {
		m.refuse(field, bad)
	}
	return billing.To(v)
}

func (m *members) text(field string) billing.Change[string] { return take(m, field, readText) }

func readText(raw []byte) (s string, bad string) {
	if raw[0] != '"' || json.Unmarshal(raw, &s) != nil {
		return "", "a text is needed"
	}
	if strings.ContainsRune(s, 0) {
		return "", "a text without NUL is needed"
	}
	return s, ""
}

// orNumber is what a text or a number says.
func orNumber(raw []byte) string {
	if s, bad := readText(raw); bad == "" {
		return s
	}
	return string(raw)
}

func (m *members) money(field string) billing.Change[int64] { return take(m, field, readMoney) }

// readMoney reads a decimal number, or one in a text, exactly.
func readMoney(raw []byte) (int64, string) {
	v, err := billing.ParseWireMicros(orNumber(raw))
	switch {
	case errors.Is(err, billing.Overflow):
		return 0, "the amount is beyond what can be kept"
	case err != nil:
		return 0, "a decimal number with at most six fractional digits is needed"
	}
	return v, ""
}

func (m *members) id(field string) billing.Change[int64] { return take(m, field, readID) }

func readID(raw []byte) (int64, string) {
	n, err := strconv.ParseInt(orNumber(raw), 10, 64)
	if err != nil || n < 1 || n > billing.MaxOwnerNumber {
		return 0, "an id is needed: a number above 0, as text"
	}
	return n, ""
}

func (m *members) count(field string) billing.Change[int64] {
	return take(m, field, func(raw []byte) (int64, string) {
		v, err := billing.ParseWireMicros(orNumber(raw))
		if err != nil || v%billing.Micro != 0 {
			return 0, "a whole number is needed"
		}
		return v / billing.Micro, ""
	})
}

// flag reads Yes and No, true and false, 1 and 0.
func (m *members) flag(field string) billing.Change[bool] {
	return take(m, field, func(raw []byte) (bool, string) {
		switch strings.ToLower(orNumber(raw)) {
		case "yes", "true", "1":
			return true, ""
		case "no", "false", "0":
			return false, ""
		}
		return false, "Yes or No is needed"
	})
}

func (m *members) limits(field string) billing.Change[[]billing.NamedLimit] {
	return take(m, field, func(raw []byte) ([]billing.NamedLimit, string) {
		var object map[string]json.RawMessage
		if json.Unmarshal(raw, &object) != nil {
			return nil, "an object of limits by name is needed"
		}
		all := []billing.NamedLimit{}
		for name, value := range object {
			v, bad := readMoney(value)
			if bad != "" {
				return nil, name + ": " + bad
			}
			all = append(all, billing.NamedLimit{Name: name, Micros: v})
		}
		return all, ""
	})
}

// pathID is an id of the path; one that is none names nothing.
func pathID(r *http.Request, name string) (int64, error) {
	n, bad := readID([]byte(r.PathValue(name)))
	if bad != "" {
		return 0, billing.Errorf(billing.NotFound, "id", "there is nothing of this id")
	}
	return n, nil
}

func customerOf(r *http.Request) (billing.OwnerID, error) {
	n, err := pathID(r, "id")
	return billing.Customer(n), err
}

// listFilter reads the filters that all lists have.
func listFilter(r *http.Request) (f billing.ListFilter, err error) {
	q := r.URL.Query()
	if f.After, err = number(q.Get("idAfter"), "idAfter", 0); err != nil {
		return f, err
	}
	f.After = min(f.After, billing.MaxOwnerNumber)
	limit, err := number(q.Get("limit"), "limit", 1)
	if err != nil {
		return f, err
	}
	f.Limit = int(min(limit, 1<<30))
	if f.CreatedSince, err = moment(q.Get("createdSince"), "createdSince"); err != nil {
		return f, err
	}
	f.UpdatedSince, err = moment(q.Get("updatedSince"), "updatedSince")
	return f, err
}

func number(text, name string, least int64) (int64, error) {
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < least {
		return 0, &malformed{name, name + ": a whole number from " + strconv.FormatInt(least, 10) + " is needed"}
	}
	return n, nil
}

// moment reads RFC 3339, a date and time of UTC, or a date.
func moment(text, name string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.RFC3339, time.DateTime, time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil && t.Year() >= 1970 && t.Year() < 10000 {
			return t, nil
		}
	}
	return time.Time{}, &malformed{name, name + ": a time is needed, such as 2026-11-22T10:00:00Z, 2026-11-22 10:00:00 or 2026-11-22"}
}

// dateOf reads a date of the query; empty if it is not given.
func dateOf(r *http.Request, name string) (string, error) {
	text := r.URL.Query().Get(name)
	if _, err := time.Parse(time.DateOnly, text); text != "" && err != nil {
		return "", &malformed{name, name + ": a date is needed, such as 2026-11-22"}
	}
	return text, nil
}

// flagOf reads a flag of the query.
func flagOf(r *http.Request, name string) (bool, error) {
	switch strings.ToLower(r.URL.Query().Get(name)) {
	case "", "false", "no", "0":
		return false, nil
	case "true", "yes", "1":
		return true, nil
	}
	return false, &malformed{name, name + ": true or false is needed"}
}
