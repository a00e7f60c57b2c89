package sippy

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"topupd/billing"
	"topupd/methods/xmlrpc"
)

var updateReference = flag.Bool("reference", false, "rewrite docs/XMLRPC.md")

const referenceFile = "../../docs/XMLRPC.md"

// TestReference holds docs/XMLRPC.md to the table that the server answers from.
func TestReference(t *testing.T) {
	want := reference()
	if *updateReference {
		if err := os.WriteFile(referenceFile, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(referenceFile)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("docs/XMLRPC.md is not what the table says: run go test ./methods/sippy -run TestReference -reference")
	}
}

func reference() string {
	var b strings.Builder
	b.WriteString(`# XML-RPC methods

Made from the table in ` + "`methods/sippy`" + ` by its test (` + "`go test ./methods/sippy -run TestReference -reference`" + `); a running server says the same by ` + "`system.listMethods`" + ` and ` + "`system.methodHelp`" + `.

One address, ` + "`POST /xmlapi/xmlapi`" + ` (and ` + "`/RPC2`" + `), HTTP Digest. Every method takes one struct and returns one, with ` + "`result`" + ` first. Where we differ from the switch: [DIVERGENCES.md](DIVERGENCES.md).

In trusted mode (` + "`--trusted`" + `, no login) the last column's member says which customer calls; without it the caller is root. A login may name its own customer only. Methods without one take none: trusted, they are root's.

| method | takes | trusted mode |
| --- | --- | --- |
`)
	for _, m := range table() {
		takes := make([]string, 0, len(m.params))
		for _, p := range m.params {
			name := p.name
			if p.need {
				name = "**" + name + "**"
			}
			takes = append(takes, name)
		}
		fmt.Fprintf(&b, "| [%s](#%s) | %s | %s |\n", m.name, strings.ToLower(m.name), strings.Join(takes, ", "), m.caller)
	}
	b.WriteString("\nA name in bold is required.\n")
	writeFaults(&b)
	for _, m := range table() {
		fmt.Fprintf(&b, "\n## %s\n\n%s\n", m.name, m.about)
		writeMembers(&b, "takes", m.params, true)
		writeMembers(&b, "returns", m.returns, false)
	}
	return b.String()
}

func writeMembers(b *strings.Builder, what string, list []param, taken bool) {
	if len(list) == 0 {
		return
	}
	fmt.Fprintf(b, "\n| %s | type | |\n| --- | --- | --- |\n", what)
	for _, p := range list {
		note := p.note
		if taken && p.need {
			note = strings.TrimSuffix("required; "+note, "; ")
		}
		fmt.Fprintf(b, "| `%s` | %s | %s |\n", p.name, p.kind, note)
	}
}

// faultNotes say when each fault of the table comes, in the order of the document.
var faultNotes = []struct {
	code billing.Code
	when string
}{
	{billing.Missing, "a member that is needed is missing; createCustomer has number 410 for it"},
	{billing.Invalid, "a type, a range or a form"},
	{billing.Exists, "a name that is taken"},
	{billing.Overflow, "more than can be kept"},
	{billing.WrongCurrency, "another currency than the owner's"},
	{billing.KeyReused, "the key of another call"},
	{billing.NotFound, "a reference that is not there, or not the caller's"},
	{billing.Forbidden, "this login may not"},
	{billing.Conflict, "what is there forbids it"},
	{billing.Blocked, "the login's customer, or one above it, is blocked"},
	{billing.Busy, "nothing was changed"},
	{billing.Internal, "our own fault; the cause is in the server's log. Where PostgreSQL went away in the middle of a commit it may have been carried out: read again, or repeat with the same idempotency_key"},
}

func writeFaults(b *strings.Builder) {
	b.WriteString("\n## Faults\n\nAll with HTTP status 200, and nothing was changed, but that a wrong voucher is counted, and perhaps after 501. X is the member that it is about.\n\n| faultCode | faultString | when |\n| --- | --- | --- |\n")
	for _, n := range faultNotes {
		f := faults[n.code]
		fmt.Fprintf(b, "| %d | `%s` | %s |\n", f.Code, f.String, n.when)
	}
	l := xmlrpc.DefaultLimits
	fmt.Fprintf(b, "| %d | `%s` | any method, only with `--rate-limit`: this login or token, or all trusted networks together, ask too often; the header Retry-After has the seconds |\n", 429, "too many requests, try again later")
	fmt.Fprintf(b, "| %d | (says what) | XML, but no XML-RPC, or more than a request may have: %d bytes, %d deep, %d members and items, %d bytes in one text |\n", xmlrpc.CodeNotXMLRPC, l.Bytes, l.Depth, l.Members, l.Text)
	fmt.Fprintf(b, "| %d | (says what) | no XML; %d and %d: an encoding or a character that is none |\n", xmlrpc.CodeNotWellFormed, xmlrpc.CodeEncoding, xmlrpc.CodeCharacter)
	fmt.Fprintf(b, "| %d | (says what) | we do not have a method with that name |\n", xmlrpc.CodeNoMethod)
	fmt.Fprintf(b, "| %d | (says what) | not one struct; of system.multicall more than %d calls |\n", xmlrpc.CodeParams, l.Calls)
}

// What the document says of faults is what the table has.
func TestFaultNotes(t *testing.T) {
	noted := map[billing.Code]bool{}
	for _, n := range faultNotes {
		noted[n.code] = true
	}
	for code := range faults {
		if !noted[code] {
			t.Errorf("%v is not in the document", code)
		}
	}
	if len(noted) != len(faults) {
		t.Errorf("%d notes, %d faults", len(noted), len(faults))
	}
}
