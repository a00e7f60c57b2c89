package server

import (
	"container/list"
	"math"
	"net/http"
	"strconv"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// limitedLogins bounds the logins whose pace is remembered; the one that asked least
// recently makes room.
const limitedLogins = 10_000

const tooManyText = "too many requests, try again later"

// limits are the requests a second of each login and token; nil limits nothing.
type limits struct {
	perSecond rate.Limit
	burst     int
	now       func() time.Time

	mu     sync.Mutex
	known  map[string]*list.Element
	recent *list.List // of *pace, the latest in front
}

type pace struct {
	login   string
	limiter *rate.Limiter
}

// newLimits makes the limits of --rate-limit; 0 is none.
func newLimits(perSecond int, now func() time.Time) *limits {
	if perSecond <= 0 {
		return nil
	}
	return &limits{perSecond: rate.Limit(perSecond), burst: 2 * perSecond, now: now, known: map[string]*list.Element{}, recent: list.New()}
}

// take counts a request of a login; if there was one too many it says after how long
// the next may come.
func (l *limits) take(login string) (wait time.Duration, ok bool) {
	if l == nil {
		return 0, true
	}
	now := l.now()
	l.mu.Lock()
	e, found := l.known[login]
	if !found {
		if len(l.known) >= limitedLogins {
			oldest := l.recent.Back()
			delete(l.known, oldest.Value.(*pace).login)
			l.recent.Remove(oldest)
		}
		e = l.recent.PushFront(&pace{login, rate.NewLimiter(l.perSecond, l.burst)})
		l.known[login] = e
	}
	l.recent.MoveToFront(e)
	limiter := e.Value.(*pace).limiter
	l.mu.Unlock()
	if limiter.AllowN(now, 1) {
		return 0, true
	}
	missing := 1 - limiter.TokensAt(now)
	return time.Duration(missing / float64(l.perSecond) * float64(time.Second)), false
}

// limited reports that a login asks too often, and says when it may ask again.
func (s *Server) limited(w http.ResponseWriter, r *http.Request, login Login) bool {
	wait, ok := s.limits.take(login.limitName())
	if ok {
		return false
	}
	s.metrics.limited.Inc()
	Note(r.Context(), "limited", "true")
	w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
	return true
}

// limitName is what a login is counted as; the trusted networks are one.
func (l Login) limitName() string {
	if l.Trusted {
		return ":trusted"
	}
	return strconv.FormatInt(l.Customer, 10) + " " + l.Name
}
