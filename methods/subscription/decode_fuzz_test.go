package subscription

import (
	"maps"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

// FuzzDecode holds that no body makes a reader panic, that what is read is never
// negative, and that a refusal says why.
func FuzzDecode(f *testing.F) {
	media := slices.Sorted(maps.Keys(readers))
	for _, body := range []string{pay1, pay1XML, badXML, "PaymentId=1&Amount=2&Threshold=3", "", "{", "<", "\uFEFF{}", "\xff\xfe{\x00}\x00"} {
		for i := range media {
			f.Add(i, body)
		}
	}
	f.Fuzz(func(t *testing.T, i int, body string) {
		r := httptest.NewRequest("POST", address, strings.NewReader(body))
		r.Header.Set("Content-Type", media[uint(i)%uint(len(media))])
		in, p := decode(r)
		switch {
		case p == nil && (in.amount < 0 || in.threshold < 0):
			t.Errorf("%+v", in)
		case p != nil && (p.status < 400 || p.status > 499 || p.message == ""):
			t.Errorf("%+v", p)
		}
	})
}
