package digest

import (
	"net/http"
	"os"
	"strings"
	"testing"
)

const rest = `uri="/x", response="0123456789abcdef0123456789abcdef", nc=00000001, cnonce="c"`

func TestParse(t *testing.T) {
	const name = `username="a", realm="r", nonce="n", `
	for _, tt := range []struct {
		name, header string
		want         Result
	}{
		{"curl", `Digest ` + name + `qop=auth, algorithm=MD5, ` + rest, OK},
		{"lwp_quotes_the_algorithm", `Digest ` + name + `qop="auth", algorithm="MD5", ` + rest, OK},
		{"no_algorithm", `Digest ` + name + `qop=auth, ` + rest, OK},
		{"other_order", `Digest ` + rest + `, qop=auth,` + name, OK},
		{"no_spaces", `Digest username="a",nonce="n",qop=auth,uri="/x",response="0123456789abcdef0123456789abcdef",nc=1,cnonce=""`, OK},
		{"spaces_round_the_sign", `Digest ` + name + `qop = auth , ` + rest, OK},
		{"case", `DIGEST ` + strings.ToUpper(name) + `QOP=AUTH, Algorithm=md5, ` + rest, OK},
		{"unknown_parameter", `Digest ` + name + `qop=auth, charset=UTF-8, auth-param="x,y=z", ` + rest, OK},
		{"opaque", `Digest ` + name + `opaque="o", qop=auth, ` + rest, OK},
		{"trailing_comma", `Digest ` + name + `qop=auth, ` + rest + `,`, OK},
		{"none", ``, Missing},
		{"basic", `Basic YTpi`, Missing},
		{"bearer", `Bearer x`, Missing},
		{"word_only", `Digest`, Malformed},
		{"no_qop", `Digest ` + name + rest, Malformed},
		{"auth_int", `Digest ` + name + `qop=auth-int, ` + rest, Malformed},
		{"sess", `Digest ` + name + `qop=auth, algorithm=MD5-sess, ` + rest, Malformed},
		{"sha256", `Digest ` + name + `qop=auth, algorithm=SHA-256, ` + rest, Malformed},
		{"no_user", `Digest nonce="n", qop=auth, ` + rest, Malformed},
		{"twice", `Digest ` + name + `username="b", qop=auth, ` + rest, Malformed},
		{"twice_in_other_case", `Digest ` + name + `UserName="b", qop=auth, ` + rest, Malformed},
		{"open_quote", `Digest ` + name + `qop=auth, ` + rest + `, x="`, Malformed},
		{"open_quote_after_escape", `Digest ` + name + `qop=auth, ` + rest + `, x="\"`, Malformed},
		{"no_sign", `Digest ` + name + `qop=auth, ` + rest + `, x`, Malformed},
		{"no_name", `Digest =x, ` + name + `qop=auth, ` + rest, Malformed},
		{"quote_in_name", `Digest x"y=x, ` + name + `qop=auth, ` + rest, Malformed},
		{"too_long", `Digest ` + name + `qop=auth, ` + rest + `, x=` + strings.Repeat("x", maxHeader), Malformed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := http.Header{}
			if tt.header != "" {
				h.Set("Authorization", tt.header)
			}
			p, got := Parse(h)
			if got != tt.want {
				t.Fatalf("got %v, want %v", got, tt.want)
			}
			if got == OK && (!strings.EqualFold(p.Username, "a") || p.URI != "/x" || p.count != 1) {
				t.Errorf("read %+v", p)
			}
		})
	}
}

func TestParseTwoHeaders(t *testing.T) {
	h := http.Header{"Authorization": {`Digest username="a", nonce="n", qop=auth, ` + rest, "Basic YTpi"}}
	if _, got := Parse(h); got != Malformed {
		t.Error(got)
	}
}

func TestEscapes(t *testing.T) {
	for in, want := range map[string]string{
		`"a\"b"`:     `a"b`,
		`"a\\b"`:     `a\b`,
		`"DOM\user"`: `DOM\user`,
		`"a,b=c"`:    `a,b=c`,
		`""`:         ``,
		`plain`:      `plain`,
	} {
		p, ok := parse(`username=` + in)
		if !ok || p.Username != want {
			t.Errorf("%s: %q, %v", in, p.Username, ok)
		}
	}
}

// clientHeaders are what other makes of client send.
func clientHeaders(t testing.TB) []string {
	t.Helper()
	text, err := os.ReadFile("../../testdata/wire/digest/headers.txt")
	if err != nil {
		t.Fatal(err)
	}
	var headers []string
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, "#") {
			headers = append(headers, strings.TrimRight(line, "\n"))
		}
	}
	return headers
}

func TestParseClientHeaders(t *testing.T) {
	headers := clientHeaders(t)
	if len(headers) < 7 {
		t.Fatalf("%d headers", len(headers))
	}
	for _, header := range headers {
		p, result := Parse(http.Header{"Authorization": {header}})
		if result != OK || p.Realm != "topupd" || p.Username != "acme" && p.Username != `a"b\c` {
			t.Errorf("%v %+v\n%s", result, p, header)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, header := range clientHeaders(f) {
		f.Add(header)
	}
	f.Add(`Digest username="a", realm="r", nonce="n", qop=auth, algorithm=MD5, ` + rest)
	f.Add(`Digest username="a\"\\b",nonce=n,qop="auth",` + rest)
	f.Add(`Digest ,,, =`)
	f.Add(`Digest x="\`)
	f.Add(`Basic YTpi`)
	f.Fuzz(func(t *testing.T, header string) {
		p, result := Parse(http.Header{"Authorization": {header}})
		switch result {
		case OK:
			if p.Username == "" || len(p.Response) != 32 || len(p.NC) > 8 || p.seen&required != required {
				t.Errorf("accepted %+v", p)
			}
			matches("POST", HA1("a", "b", "c"), &p) // must not panic
			sameTarget(p.URI, "/x")
		case Missing, Malformed:
		default:
			t.Errorf("result %v", result)
		}
	})
}
