package sippy_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

// manyPolicies asks for the policies of n accounts of the crowd at once.
func manyPolicies(n int) string {
	var body strings.Builder
	body.WriteString(`<?xml version="1.0"?><methodCall><methodName>system.multicall</methodName><params><param><value><array><data>`)
	for i := range n {
		fmt.Fprintf(&body, `<value><struct><member><name>methodName</name><value><string>getLowBalance</string></value></member><member><name>params</name><value><array><data><value><struct><member><name>i_account</name><value><int>%d</int></value></member></struct></value></data></array></value></member></struct></value>`, 10_000+i)
	}
	body.WriteString(`</data></array></value></param></params></methodCall>`)
	return body.String()
}

// A panel that watches balances asks for a thousand policies in one call.
func TestMulticallOfAThousand(t *testing.T) {
	k := newKit(t)
	k.crowd(t, 1000)
	if n := bytes.Count(k.answer(t, "root", manyPolicies(1000)), []byte("<name>threshold</name>")); n != 1000 {
		t.Errorf("%d policies", n)
	}
}
