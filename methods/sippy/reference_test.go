package sippy

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
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

In trusted mode (` + "`--trusted`" + `, no login) the last column's member says which customer calls; without it the caller is root. A login may name its own customer only.

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
