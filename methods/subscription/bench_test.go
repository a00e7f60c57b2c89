package subscription

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// BenchmarkPost is a POST over the real engine beside a handler that reads the same body
// and answers with the same bytes; both over a connection.
func BenchmarkPost(b *testing.B) {
	k := newKit(b)
	answer := k.enable(pay1).Body.Bytes()
	withActor := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { k.handler.ServeHTTP(w, r.WithContext(as("acme"))) })
	bare := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in map[string]any
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
			b.Error(err)
		}
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		_, _ = w.Write(answer)
	})
	for name, h := range map[string]http.Handler{"bare": bare, "autotopup": withActor} {
		b.Run(name, func(b *testing.B) {
			s := httptest.NewServer(h)
			defer s.Close()
			client := s.Client()
			client.Transport.(*http.Transport).MaxIdleConnsPerHost = 64
			defer client.CloseIdleConnections()
			b.SetParallelism(16)
			b.RunParallel(func(p *testing.PB) {
				for p.Next() {
					res, err := client.Post(s.URL+address, "application/json", strings.NewReader(pay1))
					if err != nil {
						b.Error(err)
						return
					}
					_, _ = io.Copy(io.Discard, res.Body)
					res.Body.Close()
					if res.StatusCode != 200 {
						b.Errorf("%d", res.StatusCode)
					}
				}
			})
		})
	}
}
