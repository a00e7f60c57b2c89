package sippy_test

import (
	"bytes"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"topupd/billing"
)

// crowd is customer 30 with n accounts.
func (k *kit) crowd(t testing.TB, n int64) {
	must(t, k.engine.Import(as("root"), false, func(im *billing.Importer) error {
		if err := im.Owner(customer(30, 1, "Crowd", "USD", 0, "")); err != nil {
			return err
		}
		for i := range n {
			line := account(10_000+i, 30)
			line.Username = billing.To(fmt.Sprint(15551000000 + i))
			line.Name = billing.To("Somebody")
			if err := im.Owner(line); err != nil {
				return err
			}
		}
		return nil
	}))
}

func (k *kit) answer(t testing.TB, who, body string) []byte {
	w := httptest.NewRecorder()
	k.handler.ServeHTTP(w, httptest.NewRequestWithContext(as(who), "POST", "/xmlapi/xmlapi", strings.NewReader(body)))
	if w.Code != 200 || bytes.Contains(w.Body.Bytes()[:200], []byte("fault")) {
		t.Fatalf("%d %.300s", w.Code, w.Body.String())
	}
	return w.Body.Bytes()
}

// One list of 10,000 accounts, from the request's bytes to the reply's.
func BenchmarkListAccounts10000(b *testing.B) {
	k := newKit(b)
	k.crowd(b, 10_000)
	const body = `<?xml version="1.0"?><methodCall><methodName>listAccounts</methodName><params><param><value><struct><member><name>i_customer</name><value><int>30</int></value></member></struct></value></param></params></methodCall>`
	if n := bytes.Count(k.answer(b, "root", body), []byte("<name>i_account</name>")); n != 10_000 {
		b.Fatalf("%d accounts", n)
	}
	b.ReportAllocs()
	for b.Loop() {
		k.answer(b, "root", body)
	}
}

// One multicall of 1,000 getLowBalance.
func BenchmarkMulticall1000(b *testing.B) {
	k := newKit(b)
	k.crowd(b, 1000)
	body := manyPolicies(1000)
	if n := bytes.Count(k.answer(b, "root", body), []byte("<name>threshold</name>")); n != 1000 {
		b.Fatalf("%d policies", n)
	}
	b.ReportAllocs()
	for b.Loop() {
		k.answer(b, "root", body)
	}
}
