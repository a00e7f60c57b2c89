package digest

import (
	"net/http"
	"strconv"
	"strings"
)

// maxHeader bounds the header that is looked at; real ones have 200 to 400 bytes.
const maxHeader = 4096

// Params is what a client said in its Authorization header. The texts are as
// sent, without quotes: they are hashed again, so they must not be tidied.
type Params struct {
	Username  string
	Realm     string
	Nonce     string
	URI       string
	Response  string
	Algorithm string
	CNonce    string
	Opaque    string
	QOP       string
	NC        string

	count uint32 // NC as a number
	seen  uint16 // which parameters were there, to refuse a repeated one
}

// Parse reads the digest credentials of a request. Its result is Missing when
// there are none (no header, or another scheme such as a pre-emptive Basic),
// Malformed when they cannot be used, OK when they can be given to Verify.
func Parse(h http.Header) (Params, Result) {
	values := h["Authorization"]
	if len(values) == 0 {
		return Params{}, Missing
	}
	scheme, rest, _ := strings.Cut(strings.TrimLeft(values[0], " \t"), " ")
	if !strings.EqualFold(scheme, "Digest") {
		return Params{}, Missing
	}
	if len(values) > 1 || len(rest) > maxHeader {
		return Params{}, Malformed
	}
	p, ok := parse(rest)
	if !ok || !p.usable() {
		return Params{}, Malformed
	}
	return p, OK
}

// parse reads name=value pairs in any order. Values may be quoted or not,
// whatever the RFC says of each one, because clients differ in that.
func parse(rest string) (Params, bool) {
	var p Params
	for {
		rest = strings.TrimLeft(rest, " \t,")
		if rest == "" {
			return p, true
		}
		eq := strings.IndexByte(rest, '=')
		if eq <= 0 {
			return p, false
		}
		name := strings.TrimRight(rest[:eq], " \t")
		if strings.ContainsAny(name, " \t\",") {
			return p, false
		}
		value, after, ok := readValue(strings.TrimLeft(rest[eq+1:], " \t"))
		if !ok || !p.set(name, value) {
			return p, false
		}
		rest = after
	}
}

// readValue takes one value off the text and returns what follows it.
func readValue(s string) (value, after string, ok bool) {
	if s == "" || s[0] != '"' {
		end := strings.IndexAny(s, " \t,")
		if end < 0 {
			return s, "", true
		}
		return s[:end], s[end:], true
	}
	s = s[1:]
	escaped := false
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			escaped = true
			i++
		case '"':
			value = s[:i]
			if escaped {
				value = unescape(value)
			}
			return value, s[i+1:], true
		}
	}
	return "", "", false
}

// unescape undoes \" and \\ only: clients that know nothing of escapes send a
// single backslash as it is.
func unescape(s string) string {
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) && (s[i+1] == '"' || s[i+1] == '\\') {
			i++
		}
		b = append(b, s[i])
	}
	return string(b)
}

// set stores one parameter; unknown names are ignored, a repeated one is
// refused because two readers could choose differently between them.
func (p *Params) set(name, value string) bool {
	field, bit := p.field(name)
	if field == nil {
		if field, bit = p.field(strings.ToLower(name)); field == nil {
			return true
		}
	}
	if p.seen&bit != 0 {
		return false
	}
	p.seen |= bit
	*field = value
	return true
}

const (
	bitUsername = 1 << iota
	bitRealm
	bitNonce
	bitURI
	bitResponse
	bitAlgorithm
	bitCNonce
	bitOpaque
	bitQOP
	bitNC

	required = bitUsername | bitNonce | bitURI | bitResponse | bitCNonce | bitQOP | bitNC
)

func (p *Params) field(name string) (*string, uint16) {
	switch name {
	case "username":
		return &p.Username, bitUsername
	case "realm":
		return &p.Realm, bitRealm
	case "nonce":
		return &p.Nonce, bitNonce
	case "uri":
		return &p.URI, bitURI
	case "response":
		return &p.Response, bitResponse
	case "algorithm":
		return &p.Algorithm, bitAlgorithm
	case "cnonce":
		return &p.CNonce, bitCNonce
	case "opaque":
		return &p.Opaque, bitOpaque
	case "qop":
		return &p.QOP, bitQOP
	case "nc":
		return &p.NC, bitNC
	default:
		return nil, 0
	}
}

// usable reports whether everything that the check needs is there, in the one
// algorithm and quality of protection that were offered.
func (p *Params) usable() bool {
	if p.seen&required != required || p.Username == "" {
		return false
	}
	if p.Algorithm != "" && !strings.EqualFold(p.Algorithm, "MD5") {
		return false
	}
	if !strings.EqualFold(p.QOP, "auth") || len(p.Response) != 32 {
		return false
	}
	// At most eight digits by the RFC; zero is where Ruby's client starts.
	if len(p.NC) == 0 || len(p.NC) > 8 {
		return false
	}
	n, err := strconv.ParseUint(p.NC, 16, 32)
	p.count = uint32(n)
	return err == nil
}
