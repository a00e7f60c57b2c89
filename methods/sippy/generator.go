package sippy

import (
	"crypto/rand"
	"errors"
	"strconv"
	"strings"

	"topupd/billing"
	"topupd/methods/xmlrpc"
)

// The switch's accounts generator (S-546): ${N:[1,3][0-9]} is a random digit of each
// bracket, ${P:8} a random text of that length, ${C:username} what another member
// became. ${$} is a dollar sign, so that ${$}{P:8} stands for the text ${P:8} itself.
const (
	patternStart = "${"
	dollar       = "$}" // behind patternStart
	maxPattern   = 64   // digits or letters of one
	maxGenerated = 1000 // bytes that a member may become
	// generatorTries is how often a name that is taken is made anew.
	generatorTries = 20
)

const alphanumeric = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

// generated runs a call with the patterns of its texts replaced; a username that is
// taken is made again.
func generated(p xmlrpc.Params, run func(xmlrpc.Params) error) error {
	name, _, err := p.String("username")
	again := err == nil && strings.Contains(name, patternStart)
	for try := 1; ; try++ {
		made, err := generate(p)
		if err != nil {
			return err
		}
		err = run(made)
		taken := errors.Is(err, billing.Exists) && billing.ErrorField(err) == "username"
		if !again || !taken || try == generatorTries {
			return err
		}
	}
}

// generate replaces the patterns in a call's texts.
func generate(p xmlrpc.Params) (xmlrpc.Params, error) {
	g := generator{p: p, done: map[string]string{}, busy: map[string]bool{}}
	members := make([]xmlrpc.Member, 0, len(p.Members()))
	for _, m := range p.Members() {
		if isPattern(m.Value) {
			text, err := g.member(m.Name)
			if err != nil {
				return p, err
			}
			m.Value = xmlrpc.String(text)
		}
		members = append(members, m)
	}
	if len(g.done) == 0 {
		return p, nil
	}
	return xmlrpc.OneStruct([]xmlrpc.Value{xmlrpc.Struct(members...)})
}

func isPattern(v xmlrpc.Value) bool {
	return v.Kind() == xmlrpc.KindString && strings.Contains(v.Text(), patternStart)
}

type generator struct {
	p    xmlrpc.Params
	done map[string]string
	busy map[string]bool // being made: who leads to itself is wrong
}

// member is what a member becomes; a number is its text.
func (g *generator) member(name string) (string, error) {
	if text, ok := g.done[name]; ok {
		return text, nil
	}
	v, given := g.p.Value(name)
	switch v.Kind() {
	case xmlrpc.KindString, xmlrpc.KindInt, xmlrpc.KindDouble:
	default:
		given = false
	}
	if !given || g.busy[name] {
		return "", wrong(name)
	}
	if !isPattern(v) {
		return v.Text(), nil
	}
	g.busy[name] = true
	text, ok := g.expand(v.Text())
	if !ok || len(text) > maxGenerated {
		return "", wrong(name)
	}
	g.done[name] = text
	return text, nil
}

// expand replaces the patterns of one text; ${ that begins none stays.
func (g *generator) expand(text string) (string, bool) {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(text, patternStart)
		b.WriteString(before)
		if !found {
			return b.String(), true
		}
		if after, escaped := strings.CutPrefix(rest, dollar); escaped {
			b.WriteByte('$')
			text = after
			continue
		}
		if len(rest) < 2 || rest[1] != ':' || !strings.ContainsRune("NPC", rune(rest[0])) {
			b.WriteString(patternStart)
			text = rest
			continue
		}
		kind := rest[0]
		argument, after, closed := strings.Cut(rest[2:], "}")
		made, ok := g.pattern(kind, argument)
		if !closed || !ok || b.Len() > maxGenerated {
			return "", false
		}
		b.WriteString(made)
		text = after
	}
}

func (g *generator) pattern(kind byte, argument string) (string, bool) {
	switch kind {
	case 'N':
		return randomDigits(argument)
	case 'P':
		n, err := strconv.Atoi(argument)
		if err != nil || n < 1 || n > maxPattern {
			return "", false
		}
		text := make([]byte, n)
		for i := range text {
			text[i] = alphanumeric[randomBelow(len(alphanumeric))]
		}
		return string(text), true
	default:
		text, err := g.member(argument)
		return text, err == nil
	}
}

// randomDigits takes one digit of each bracket, which lists digits and ranges of them.
func randomDigits(brackets string) (string, bool) {
	var digits []byte
	for brackets != "" {
		inside, rest, closed := strings.Cut(brackets, "]")
		if !closed || !strings.HasPrefix(inside, "[") || len(digits) == maxPattern {
			return "", false
		}
		var allowed []byte
		for item := range strings.SplitSeq(inside[1:], ",") {
			item = strings.TrimSpace(item)
			if len(item) == 1 {
				item += "-" + item
			}
			if len(item) != 3 || item[0] < '0' || item[1] != '-' || item[2] < item[0] || item[2] > '9' {
				return "", false
			}
			for d := item[0]; d <= item[2]; d++ {
				allowed = append(allowed, d)
			}
		}
		digits = append(digits, allowed[randomBelow(len(allowed))])
		brackets = rest
	}
	return string(digits), len(digits) > 0
}

// randomBelow is an even choice of 0 to n-1, for n to 256.
func randomBelow(n int) int {
	var b [1]byte
	for {
		_, _ = rand.Read(b[:]) // never fails
		if most := 256 - 256%n; int(b[0]) < most {
			return int(b[0]) % n
		}
	}
}
