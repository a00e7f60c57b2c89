package subscription

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"topupd/methods/jsonl"
)

// BenchmarkPost is a POST over the real engine - the same payment again, and a new one
// each time - beside a handler that reads the same body and answers with the same bytes;
// all over a connection.
func BenchmarkPost(b *testing.B) {
	b.Run("bare", func(b *testing.B) {
		answer := newKit(b).enable(pay1).Body.Bytes()
		post(b, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			var in map[string]any
			if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
				b.Error(err)
			}
			w.Header().Set("Content-Type", "application/json; charset=utf-8")
			_, _ = w.Write(answer)
		}), func() string { return pay1 })
	})
	b.Run("again", func(b *testing.B) {
		k := newKit(b)
		post(b, k.as("acme"), func() string { return pay1 })
	})
	b.Run("new", func(b *testing.B) {
		k := newKit(b)
		var lines strings.Builder
		for i := range b.N {
			fmt.Fprintf(&lines, `{"type":"payment","id":%d,"i_account":100,"amount":"2","currency":"USD","i_debit_credit_card":1000,"status":"paid"}`+"\n", 1000+i)
		}
		_, err := jsonl.Import(as("root"), k.engine, jsonl.ImportOptions{Source: strings.NewReader(lines.String()), Name: "payments"})
		must(b, err)
		var n atomic.Int64
		post(b, k.as("acme"), func() string {
			return fmt.Sprintf(`{"PaymentId":%d,"Amount":2.0,"Threshold":3.0}`, 999+n.Add(1))
		})
	})
}

// as is the interface for a server whose every caller is one actor.
func (k *kit) as(actor string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { k.handler.ServeHTTP(w, r.WithContext(as(actor))) })
}

func post(b *testing.B, h http.Handler, body func() string) {
	s := httptest.NewServer(h)
	defer s.Close()
	client := s.Client()
	client.Transport.(*http.Transport).MaxIdleConnsPerHost = 64
	defer client.CloseIdleConnections()
	b.SetParallelism(16)
	b.ResetTimer()
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			res, err := client.Post(s.URL+address, "application/json", strings.NewReader(body()))
			if err != nil {
				b.Error(err)
				return
			}
			_, _ = io.Copy(io.Discard, res.Body)
			res.Body.Close()
			if res.StatusCode != http.StatusOK {
				b.Errorf("%d", res.StatusCode)
			}
		}
	})
	b.StopTimer()
}
