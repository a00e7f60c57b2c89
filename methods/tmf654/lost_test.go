package tmf654_test

import (
	"context"
	"encoding/json"
	"strings"
	"sync/atomic"
	"testing"

	"topupd/billing"
)

// losing is a store that commits one more change when lost is set, and reads nothing after it.
type losing struct {
	billing.Store
	lost *atomic.Bool
	gone atomic.Bool
}

func (s *losing) View(ctx context.Context, fn func(billing.Reader) error) error {
	if !s.lost.Load() {
		s.gone.Store(false)
	}
	if s.gone.Load() {
		return billing.Errorf(billing.Busy, "", "the database is lost")
	}
	return s.Store.View(ctx, fn)
}

func (s *losing) UpdateOwners(ctx context.Context, owners []billing.OwnerID, fn func(billing.Tx) error) error {
	err := s.Store.UpdateOwners(ctx, owners, fn)
	s.gone.Store(err == nil && s.lost.Load())
	return err
}

// TestLostAfterTheCommit: what was done is told as done, also when it cannot be read again;
// who was told to try again would do it twice.
func TestLostAfterTheCommit(t *testing.T) {
	k := newKit(t)
	k.idle = true
	made := 0
	for _, c := range []struct{ path, body, status string }{
		{"topupBalance", once, "CREATED"},
		{"topupBalance", recurring, "CREATED"},
		{"adjustBalance", `{"amount":{"amount":"3","units":"USD"},"partyAccount":{"id":"` + alice + `"}}`, "CONFIRMED"},
		{"transferBalance", `{"amount":{"amount":"3","units":"USD"},"partyAccount":{"id":"` + alice + `"},"receiverPartyAccount":{"id":"0.0.0.1+-account+101"}}`, "CONFIRMED"},
		{"reserveBalance", `{"amount":{"amount":"3","units":"USD"},"partyAccount":{"id":"` + alice + `"}}`, "CONFIRMED"},
	} {
		k.lost.Store(true)
		w := k.send("root", "POST", base+"/"+c.path, c.body)
		k.lost.Store(false)
		var got map[string]any
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || w.Code != 201 {
			t.Errorf("%s: %d %s %v", c.path, w.Code, w.Body, err)
			continue
		}
		made++
		id, _ := got["id"].(string)
		if got["status"] != c.status || !strings.HasSuffix(w.Header().Get("Location"), id) {
			t.Errorf("%s: %s at %s", c.path, w.Body, w.Header().Get("Location"))
		}
		again := k.must(200, "root", "GET", base+"/"+c.path+"/"+escaped(id), "")
		if again != w.Body.String() {
			t.Errorf("%s: told\n%s\nis\n%s", c.path, w.Body, again)
		}
	}
	if _, counts := k.list("root", base+"/balanceAction"); made != 5 || !strings.HasPrefix(counts, "5 of 5") {
		t.Errorf("%d were told, there are %s", made, counts)
	}
	k.verify()
}
