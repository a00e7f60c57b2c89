package tmf654

import (
	"bytes"
	"encoding/json"
	"iter"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"topupd/billing"
	"topupd/methods"
)

// The page of a list: what it has unless limit says otherwise, and the most it may have.
const (
	defaultLimit = 100
	maxLimit     = 1000
)

// countMost is how many resources a list with filters that no index answers looks at to
// count those that match; after that it ends when its page is full, and tells no total.
var countMost = 10_000 // tests have fewer

// query is what a list, or one resource, is asked with.
type query struct {
	fields        []string // nil: all
	offset, limit int
	filters       []filter
	// members are the first members that the kinds of a mixed list have; nil where all
	// resources of a list have the same.
	members map[string]bool
}

// filter is a path of members and the values that one of them may have.
type filter struct {
	path   string
	values []string
}

// readQuery reads the parameters. A plus sign stands for itself here, as ids are written
// with it: Oracle's own examples do not escape it.
func readQuery(r *http.Request) (*query, error) {
	given, err := url.ParseQuery(strings.ReplaceAll(r.URL.RawQuery, "+", "%2B"))
	if err != nil {
		return nil, wrongMember("query", "the query cannot be read")
	}
	q := &query{limit: defaultLimit}
	for _, name := range slices.Sorted(mapKeys(given)) {
		values := given[name]
		switch name {
		case "fields":
			for _, v := range values {
				for f := range strings.SplitSeq(v, ",") {
					if f = strings.TrimSpace(f); f != "" {
						q.fields = append(q.fields, f)
					}
				}
			}
		case "offset":
			if q.offset, err = wholeNumber(name, values, 1<<53); err != nil {
				return nil, err
			}
		case "limit":
			if q.limit, err = wholeNumber(name, values, 1<<53); err != nil {
				return nil, err
			}
			q.limit = min(q.limit, maxLimit)
		default:
			f := filter{path: name}
			for _, v := range values {
				f.values = append(f.values, strings.Split(v, ",")...)
			}
			q.filters = append(q.filters, f)
		}
	}
	return q, nil
}

func mapKeys(v url.Values) iter.Seq[string] {
	return func(yield func(string) bool) {
		for name := range v {
			if !yield(name) {
				return
			}
		}
	}
}

func wholeNumber(name string, values []string, most int) (int, error) {
	n, err := strconv.Atoi(values[0])
	if err != nil || n < 0 || n > most || len(values) > 1 {
		return 0, wrongMember(name, "%s is a whole number from 0", name)
	}
	return n, nil
}

// take removes a filter with one value from the query, for an engine that answers it by an
// index.
func (q *query) take(path string) (value string, there bool) {
	for i, f := range q.filters {
		if f.path == path && len(f.values) == 1 {
			q.filters = slices.Delete(q.filters, i, i+1)
			return f.values[0], true
		}
	}
	return "", false
}

// ids are the values of a filter for ids, by which the engine finds resources; the filter
// stays.
func (q *query) ids() (values []string, there bool) {
	for _, f := range q.filters {
		if f.path == "id" {
			return f.values, true
		}
	}
	return nil, false
}

// needs reports whether the resource at a place in the whole list has to be made: where
// there are no filters those outside the page are only counted.
func (q *query) needs(i int) bool {
	return len(q.filters) > 0 || i >= q.offset && i-q.offset < q.limit
}

// matches reports whether a resource has what the filters ask for. A filter whose first
// member no resource of the list has is left out of account (T-29).
func (q *query) matches(body map[string]any) bool {
	for _, f := range q.filters {
		path := strings.Split(f.path, ".")
		_, has := body[path[0]]
		if !has && !q.members[path[0]] {
			continue
		}
		if !f.found(body, path) {
			return false
		}
	}
	return true
}

// membersOf are the first members of some shapes, which write all they have.
func membersOf(shapes ...any) map[string]bool {
	all := map[string]bool{}
	for _, shape := range shapes {
		var body map[string]any
		raw, err := marshal(shape)
		if err == nil {
			err = json.Unmarshal(raw, &body)
		}
		if err != nil {
			panic("tmf654: " + err.Error())
		}
		for name := range body {
			all[name] = true
		}
	}
	return all
}

func (f *filter) found(v any, path []string) bool {
	switch v := v.(type) {
	case []any:
		return slices.ContainsFunc(v, func(one any) bool { return f.found(one, path) })
	case map[string]any:
		return len(path) > 0 && f.found(v[path[0]], path[1:])
	case nil:
		return false
	}
	if len(path) > 0 {
		return false
	}
	return slices.ContainsFunc(f.values, func(want string) bool { return f.same(v, want) })
}

// same compares a member with one of the values: what requests may call by several words
// is one.
func (f *filter) same(v any, want string) bool {
	text, isText := v.(string)
	if !isText {
		return sameValue(v, want)
	}
	text, want = spaced(text), spaced(want)
	switch f.path[strings.LastIndexByte(f.path, '.')+1:] {
	case "recurringPeriod":
		a, isA := readPeriod(text)
		b, isB := readPeriod(want)
		return isA && isB && a == b
	case "status":
		return statusOf(text) == statusOf(want)
	case "id":
		return text == want || sameID(text, want)
	}
	return text == want
}

// spaced is a text whose plus signs are spaces: filters take them as one.
func spaced(text string) string { return strings.ReplaceAll(text, "+", " ") }

// sameValue compares a flag with a filter's value, or a number, by its value.
func sameValue(v any, want string) bool {
	switch v := v.(type) {
	case bool:
		return strconv.FormatBool(v) == strings.ToLower(want)
	case json.Number:
		a, errA := billing.ParseWireMicros(v.String())
		b, errB := billing.ParseWireMicros(want)
		return errA == nil && errB == nil && a == b
	}
	return false
}

// page answers with a page of all resources of a kind: those that match are counted, and
// those of the page are kept. all yields whole resources, and nil for one that it was not
// to make (needs).
func (q *query) page(all iter.Seq2[any, error]) (answer, error) {
	list, total, seen := []json.RawMessage{}, 0, 0
	for one, err := range all {
		if err != nil {
			return answer{}, err
		}
		if one == nil {
			total++
			continue
		}
		if seen++; seen > countMost && len(list) == q.limit && len(q.filters) > 0 {
			said := listed(list, total)
			said.header.Del("X-Total-Count")
			return said, nil
		}
		raw, err := marshal(one)
		if err != nil {
			return answer{}, err
		}
		if len(q.filters) > 0 {
			var body map[string]any
			if err := methods.DecodeNumbers(raw, &body); err != nil {
				return answer{}, err
			}
			if !q.matches(body) {
				continue
			}
		}
		if total >= q.offset && len(list) < q.limit {
			if raw, err = q.project(raw); err != nil {
				return answer{}, err
			}
			list = append(list, raw)
		}
		total++
	}
	return listed(list, total), nil
}

// listed is a page of a list with the headers that count it.
func listed(list []json.RawMessage, total int) answer {
	if list == nil {
		list = []json.RawMessage{}
	}
	return answer{status: http.StatusOK, body: list, header: http.Header{
		"X-Result-Count": {strconv.Itoa(len(list))}, "X-Total-Count": {strconv.Itoa(total)},
	}}
}

// one answers with one resource, of which fields may ask for parts.
func (q *query) one(resource any) (answer, error) {
	raw, err := marshal(resource)
	if err == nil {
		raw, err = q.project(raw)
	}
	return ok(json.RawMessage(raw)), err
}

// project keeps the members that fields names, and no others, in their order.
func (q *query) project(raw []byte) (json.RawMessage, error) {
	if q.fields == nil {
		return raw, nil
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	out := []byte{'{'}
	if _, err := d.Token(); err != nil {
		return nil, err
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, err
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return nil, err
		}
		if member, _ := name.(string); slices.Contains(q.fields, member) {
			if len(out) > 1 {
				out = append(out, ',')
			}
			out = append(strconv.AppendQuote(out, member), ':')
			out = append(out, value...)
		}
	}
	return append(out, '}'), nil
}
