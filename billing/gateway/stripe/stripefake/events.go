package stripefake

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// Event is what the fake has to tell.
type Event struct {
	ID      string
	Type    string
	Created int64
	Object  json.RawMessage
	// Version is the API version that it is written in.
	Version string
}

// eventVersion is not the library's: an account keeps its own for years.
const eventVersion = "2022-11-15"

// Payload is the event's body.
func (e Event) Payload() []byte {
	return good(object{
		"id": e.ID, "object": "event", "type": e.Type, "created": e.Created, "api_version": e.Version,
		"livemode": false, "pending_webhooks": 1, "data": object{"object": e.Object},
	}).body
}

// emit adds an event. Under the lock.
func (s *Server) emit(kind string, o object) {
	s.events = append(s.events, Event{ID: s.id("evt"), Type: kind, Created: time.Now().Unix(), Object: good(o).body, Version: eventVersion})
	close(s.news)
	s.news = make(chan struct{})
}

// Events are all events so far, oldest first, or those of the given types.
func (s *Server) Events(types ...string) []Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []Event
	for _, e := range s.events {
		if len(types) == 0 || slices.Contains(types, e.Type) {
			list = append(list, e)
		}
	}
	return list
}

// Sign is the Stripe-Signature header of a body, signed at a moment.
func Sign(body []byte, secret string, at time.Time) string {
	t := strconv.FormatInt(at.Unix(), 10)
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(t + "."))
	mac.Write(body)
	return "t=" + t + ",v1=" + hex.EncodeToString(mac.Sum(nil))
}

// Endpoint is where events go.
type Endpoint struct {
	URL    string
	Secret string
	// Copies is how often each event is sent; 0 is once.
	Copies int
	// Delay is how late each is sent by Subscribe.
	Delay time.Duration
	// Reversed sends what is to be sent newest first.
	Reversed bool
}

// Send delivers events once (or Copies times) each, and returns the statuses of
// the answers in the order of sending. It does not retry.
func (s *Server) Send(ctx context.Context, to Endpoint, events ...Event) ([]int, error) {
	if to.Reversed {
		events = slices.Clone(events)
		slices.Reverse(events)
	}
	var statuses []int
	for _, e := range events {
		for range max(1, to.Copies) {
			status, err := post(ctx, to, e)
			if err != nil {
				return statuses, err
			}
			statuses = append(statuses, status)
		}
	}
	return statuses, nil
}

// poster keeps no connection: a test that ends leaves nothing behind.
var poster = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 10 * time.Second}

func post(ctx context.Context, to Endpoint, e Event) (int, error) {
	body := e.Payload()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to.URL, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	req.Header.Set("Stripe-Signature", Sign(body, to.Secret, time.Now()))
	resp, err := poster.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<16))
	return resp.StatusCode, err
}

// retryEvery is how soon Subscribe sends again what was not answered with 2xx.
const retryEvery = 100 * time.Millisecond

// Subscribe delivers every event from the first on in the background, until Close;
// what is not answered with 2xx is sent again, as Stripe does.
func (s *Server) Subscribe(to Endpoint) {
	ctx, cancel := context.WithCancel(context.Background())
	s.tasks.Go(func() {
		<-s.done
		cancel()
	})
	s.tasks.Go(func() {
		for sent := 0; ; {
			s.mu.Lock()
			pending, news := slices.Clone(s.events[sent:]), s.news
			s.mu.Unlock()
			if len(pending) == 0 {
				select {
				case <-news:
				case <-s.done:
					return
				}
				continue
			}
			if s.pause(to.Delay) != nil || !s.deliver(ctx, to, pending) {
				return
			}
			sent += len(pending)
		}
	})
}

// deliver sends until each event was taken; false when the fake was closed.
func (s *Server) deliver(ctx context.Context, to Endpoint, events []Event) bool {
	for len(events) > 0 {
		var again []Event
		for _, e := range events {
			statuses, err := s.Send(ctx, to, e)
			if err != nil || slices.ContainsFunc(statuses, func(status int) bool { return status/100 != 2 }) {
				again = append(again, e)
			}
		}
		if ctx.Err() != nil {
			return false
		}
		if len(again) > 0 && s.pause(retryEvery) != nil {
			return false
		}
		events = again
	}
	return true
}
