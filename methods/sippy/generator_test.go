package sippy

import (
	"context"
	"regexp"
	"testing"

	"topupd/billing"
	"topupd/methods/xmlrpc"
)

func TestGeneratorPatterns(t *testing.T) {
	for text, want := range map[string]string{
		"plain":                             "plain",
		"":                                  "",
		"${N:[7]}":                          "7",
		"${N:[2,3,4][0-8][0-9][0-9]}":       "[234][0-8][0-9][0-9]",
		"a-${N:[0-1]}-${N:[5, 7-8]}z":       "a-[01]-[578]z",
		"${P:12}":                           "[A-Za-z0-9]{12}",
		"${P:64}":                           "[A-Za-z0-9]{64}",
		"${C:number}/${C:word}/${C:double}": "42/word/1.5",
		"${C:other}":                        "x9",
		// The macros of mails, and what only looks like a pattern.
		"${balance} ${Q:1} ${n:[1]} $ {} ${": `\$\{balance\} \$\{Q:1\} \$\{n:\[1\]\} \$ \{\} \$\{`,
		"${N}":                               `\$\{N\}`,
		// What would be one, meant as it stands; also when another member copies it.
		"${$}{P:8}": `\$\{P:8\}`, "a${$}${$}{N:[5]}${$": `a\$\$\{N:\[5\]\}\$\{\$`, "${$}${N:[5]}": `\$5`, "${$}": `\$`, "${C:literal}${N:[1]}": `\$\{P:8\}1`,
		// None of these means anything.
		"${N:}": "!", "${N:[]}": "!", "${N:5}": "!", "${N:[5}": "!", "${N:[5]x}": "!", "${N:[10]}": "!", "${N:[9-1]}": "!", "${N:[a]}": "!", "${N:[1,]}": "!",
		"${N:[1]": "!", "${P:0}": "!", "${P:65}": "!", "${P:-1}": "!", "${P:x}": "!", "${P:": "!", "${C:}": "!", "${C:nothing}": "!", "${C:null}": "!",
		"${C:made}": "!", "${C:loop}": "!", "${C:broken}": "!", "${C:huge}": "!",
	} {
		p, err := xmlrpc.OneStruct([]xmlrpc.Value{xmlrpc.Struct(
			m("made", xmlrpc.String(text)), m("number", xmlrpc.Int(42)), m("word", xmlrpc.String("word")), m("double", xmlrpc.Double("1.5")),
			m("null", xmlrpc.Nil()), m("other", xmlrpc.String("x${N:[9]}")), m("literal", xmlrpc.String("${$}{P:8}")),
		)})
		if err != nil {
			t.Fatal(err)
		}
		extra := map[string]xmlrpc.Member{
			"${C:loop}": m("loop", xmlrpc.String("${C:made}")), "${C:broken}": m("broken", xmlrpc.String("${N:}")), "${C:huge}": m("huge", xmlrpc.String(fill("${P:64}", 20))),
		}
		if x, ok := extra[text]; ok {
			p, _ = xmlrpc.OneStruct([]xmlrpc.Value{xmlrpc.Struct(append(p.Members(), x)...)})
		}
		for range 20 {
			got, err := generate(p)
			if want == "!" {
				if f := Fault(err); err == nil || f.Code != 400 || f.String != "Wrong made" {
					t.Errorf("%s: %v", text, f)
				}
				continue
			}
			made, _, _ := got.String("made")
			if err != nil || !regexp.MustCompile("^"+want+"$").MatchString(made) {
				t.Errorf("%s became %q, %v", text, made, err)
			}
			if n, _, err := got.Int("number"); n != 42 || err != nil || len(got.Members()) != len(p.Members()) {
				t.Errorf("%s: the rest is %d members", text, len(got.Members()))
			}
		}
	}
}

func fill(text string, times int) (all string) {
	for range times {
		all += text
	}
	return all
}

// Digits and letters are all taken, about evenly.
func TestGeneratorIsRandom(t *testing.T) {
	p, _ := xmlrpc.OneStruct([]xmlrpc.Value{xmlrpc.Struct(m("d", xmlrpc.String("${N:[0-9]}")), m("l", xmlrpc.String("${P:1}")))})
	seen := map[string]int{}
	const times = 20_000
	for range times {
		got, err := generate(p)
		if err != nil {
			t.Fatal(err)
		}
		d, _, _ := got.String("d")
		l, _, _ := got.String("l")
		seen["digit "+d]++
		seen["letter "+l]++
	}
	if len(seen) != 10+len(alphanumeric) {
		t.Errorf("%d kinds", len(seen))
	}
	for what, n := range seen {
		even := times / 10
		if what[0] == 'l' {
			even = times / len(alphanumeric)
		}
		if n < even/2 || n > even*2 {
			t.Errorf("%s came %d times, about %d are even", what, n, even)
		}
	}
}

// takenNames is an engine in which names are taken until the last try.
type takenNames struct {
	fake
	names []string
	free  int // the try that is taken; 0 is none
	field string
}

func (e *takenNames) CreateOwner(ctx context.Context, p billing.CreateOwnerParams) (billing.OwnerID, error) {
	e.names = append(e.names, *p.Terms.Username.Value)
	if len(e.names) != e.free {
		return 0, billing.Errorf(billing.Exists, e.field, "it is there")
	}
	return e.fake.CreateOwner(ctx, p)
}

// A generated name that is taken is made again, a while; a given one, or another
// refusal, is told at once. What was made is told.
func TestGeneratedAccounts(t *testing.T) {
	for name, c := range map[string]struct {
		username, field string
		free, tries     int
	}{
		"free at once": {"${N:[0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9]}", "username", 1, 1},
		"free later":   {"${N:[0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9]}", "username", 5, 5},
		"never free":   {"${N:[1]}", "username", 0, generatorTries},
		"given":        {"given", "username", 0, 1},
		"other":        {"${P:9}", "name", 0, 1},
	} {
		t.Run(name, func(t *testing.T) {
			e := &takenNames{free: c.free, field: c.field}
			for _, method := range Methods(e, Options{}) {
				if method.Name != "createAccount" {
					continue
				}
				got, err := method.Call(billing.WithActor(t.Context(), acme), []xmlrpc.Value{xmlrpc.Struct(
					m("username", xmlrpc.String(c.username)), m("i_billing_plan", xmlrpc.Int(1)),
					m("web_password", xmlrpc.String("${P:10}")), m("voip_password", xmlrpc.String("${C:web_password}")), m("authname", xmlrpc.String("sip-${C:username}")),
				)})
				if len(e.names) != c.tries || (err == nil) != (c.free > 0) {
					t.Fatalf("%d tries, %v", len(e.names), err)
				}
				if err != nil {
					return
				}
				if c.tries > 1 && e.names[0] == e.names[1] {
					t.Error("the same name again")
				}
				told := func(name string) string {
					v, _ := got.Get(name)
					return v.Text()
				}
				if last := e.names[len(e.names)-1]; told("username") != last || told("authname") != "sip-"+last {
					t.Errorf("made %s, told %s and %s", last, told("username"), told("authname"))
				}
				if len(told("web_password")) != 10 || told("voip_password") != told("web_password") {
					t.Errorf("passwords %q and %q", told("web_password"), told("voip_password"))
				}
			}
		})
	}
}
