package subscription

import (
	"mime"
	"net/http"
	"strconv"
	"strings"
)

// format is a media type that answers have.
type format struct {
	media string
	xml   bool
}

// formats are the answers' types in the order of preference: the JSON formatter is
// registered first, and for text/html too.
var formats = [...]format{
	{"application/json", false}, {"text/json", false}, {"text/html", false}, {"application/xml", true}, {"text/xml", true},
}

// byDefault is the answer when nothing asks for another.
var byDefault = formats[0]

// accepted is one range of an Accept header.
type accepted struct {
	kind, sub string
	q         float64
}

// negotiate chooses the answer's form. Of what is accepted the highest q wins, a type by
// name before a range. Ranges, and no Accept at all, give the type of the request, else
// JSON; so does an Accept that nothing matches (T-5).
func negotiate(r *http.Request) format {
	ranges := parseAccept(r.Header.Values("Accept"))
	own := requestFormat(r)
	// Formatters come in turn, and a later one needs more to win.
	best, bestQ := byDefault, 0.0
	for _, xml := range []bool{false, true} {
		for _, a := range ranges {
			if f, ok := formatNamed(a.kind + "/" + a.sub); ok && f.xml == xml && a.q > bestQ {
				best, bestQ = f, a.q
			}
		}
	}
	for _, a := range ranges {
		if a.sub != "*" || a.q <= bestQ {
			continue
		}
		if f, ok := inRange(a, own, ranges); ok {
			best, bestQ = f, a.q
		}
	}
	if bestQ == 0 && own.media != "" && len(ranges) == 0 {
		return own
	}
	return best
}

// inRange is the type of the request if the range has it, else the first that it has;
// types that are refused by name (q=0) are not in it.
func inRange(a accepted, own format, ranges []accepted) (format, bool) {
	takes := func(f format) bool {
		kind, _, _ := strings.Cut(f.media, "/")
		if f.media == "" || a.kind != "*" && a.kind != kind {
			return false
		}
		for _, other := range ranges {
			if other.kind+"/"+other.sub == f.media && other.q == 0 {
				return false
			}
		}
		return true
	}
	if takes(own) {
		return own, true
	}
	for _, f := range formats {
		if takes(f) {
			return f, true
		}
	}
	return format{}, false
}

// requestFormat is the answer that has the request's type; none for a form, for other
// types, and for scripts in a browser, which get JSON.
func requestFormat(r *http.Request) format {
	if strings.EqualFold(r.Header.Get("X-Requested-With"), "XMLHttpRequest") {
		return format{}
	}
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		return format{}
	}
	f, _ := formatNamed(media)
	return f
}

func formatNamed(media string) (format, bool) {
	for _, f := range formats {
		if f.media == media {
			return f, true
		}
	}
	return format{}, false
}

// parseAccept reads the ranges; one that cannot be read is left out.
func parseAccept(headers []string) []accepted {
	var list []accepted
	for _, part := range strings.Split(strings.Join(headers, ","), ",") {
		media, params, _ := strings.Cut(part, ";")
		kind, sub, ok := strings.Cut(strings.ToLower(strings.TrimSpace(media)), "/")
		if !ok || kind == "" || sub == "" || kind == "*" && sub != "*" {
			continue
		}
		if q, ok := quality(params); ok {
			list = append(list, accepted{kind, sub, q})
		}
	}
	return list
}

// quality is the q of a range's parameters, 1 when there is none.
func quality(params string) (float64, bool) {
	for _, p := range strings.Split(params, ";") {
		name, value, _ := strings.Cut(p, "=")
		if !strings.EqualFold(strings.TrimSpace(name), "q") {
			continue
		}
		q, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
		return q, err == nil && q >= 0 && q <= 1
	}
	return 1, true
}
