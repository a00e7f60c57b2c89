package digest

import (
	"context"
	"crypto/md5"
	"crypto/rand"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// DefaultLife is how long a nonce is good for.
const DefaultLife = 5 * time.Minute

// Result says what became of a request's credentials.
type Result int

// The results. The zero one is no permission.
const (
	// Missing: no digest credentials; the first leg of most clients.
	Missing Result = iota
	// Malformed: a header that cannot be used, or made for another address.
	Malformed
	// Denied: unknown user or wrong password; the two are not told apart.
	Denied
	// Stale: right password, but the nonce is too old, not ours, or its count
	// was used before. The client is to try again with a new nonce.
	Stale
	// Failed: the lookup failed, so nothing is known about the login.
	Failed
	// OK: the client knows the password.
	OK
)

// String is the result in one word, for logs and metrics.
func (r Result) String() string {
	switch r {
	case Missing:
		return "missing"
	case Malformed:
		return "malformed"
	case Denied:
		return "denied"
	case Stale:
		return "stale"
	case Failed:
		return "failed"
	case OK:
		return "ok"
	default:
		return "unknown"
	}
}

// Credential is what a login is checked against.
type Credential struct {
	// HA1 is the lower-case hex of MD5(user:realm:password). It is as good as
	// the password and must not be shown.
	HA1 string
	// Login is the caller's own, handed back when the check succeeds.
	Login any
}

// String keeps HA1 out of logs.
func (Credential) String() string { return "redacted" }

// Lookup finds the credential of a user. It returns false for one who does not
// exist or may not log in, an error only when it could not find out.
type Lookup func(ctx context.Context, user string) (Credential, bool, error)

// HA1 is what is stored of a password: good for this user and realm only.
func HA1(user, realm, password string) string {
	sum := md5.Sum([]byte(user + ":" + realm + ":" + password))
	return hex.EncodeToString(sum[:])
}

// Config is what an Authenticator is made from.
type Config struct {
	// Realm is shown to the client and part of every HA1.
	Realm string
	// Keys sign nonces: the first one does, and a nonce of any is believed, so that
	// servers whose keys are being changed one after the other believe each other.
	// None makes one of this process; servers behind one address need the same.
	Keys [][]byte
	// Life of a nonce; 0 is DefaultLife.
	Life time.Duration
	// Nonces is how many nonces the memory of used counts may hold; 0 is no
	// such memory.
	Nonces int
	// Lookup finds logins.
	Lookup Lookup
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

// Authenticator challenges requests and checks the answers. It is safe for
// use by many goroutines.
type Authenticator struct {
	realm  string
	life   time.Duration
	nonces []*signer // the first issues
	replay *replay
	lookup Lookup
	now    func() time.Time
	nobody string
}

// New makes an Authenticator. It refuses a missing lookup, and a realm that
// is empty or could not be written into a header.
func New(c Config) (*Authenticator, error) {
	if c.Lookup == nil {
		return nil, errors.New("digest: no lookup")
	}
	if c.Realm == "" || strings.ContainsFunc(c.Realm, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return nil, errors.New("digest: realm " + strconv.Quote(c.Realm) + ": allowed is a text without control characters")
	}
	if c.Life == 0 {
		c.Life = DefaultLife
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if len(c.Keys) == 0 {
		own := make([]byte, 32)
		rand.Read(own)
		c.Keys = [][]byte{own}
	}
	a := &Authenticator{realm: c.Realm, life: c.Life, lookup: c.Lookup, now: c.Now, nobody: HA1("", c.Realm, rand.Text())}
	for _, key := range c.Keys {
		a.nonces = append(a.nonces, newSigner(key))
	}
	if c.Nonces > 0 {
		a.replay = newReplay(c.Nonces, c.Life)
	}
	return a, nil
}

// Challenge answers 401 with the one challenge and a small page. HTML,
// because some panels take just that on their second leg for a bad password.
// The body should have been drained before, see Drain.
func (a *Authenticator) Challenge(w http.ResponseWriter, stale bool) {
	h := w.Header()
	h.Set("WWW-Authenticate", a.challenge(stale))
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(len(page)))
	w.WriteHeader(http.StatusUnauthorized)
	io.WriteString(w, page) // the client may be gone; there is nobody to tell
}

const page = "<html><head><title>401 Unauthorized</title></head><body><h1>401 Unauthorized</h1></body></html>\n"

// challenge orders and quotes as the widest set of clients wants: realm, nonce
// and qop quoted, algorithm not.
func (a *Authenticator) challenge(stale bool) string {
	c := `Digest realm="` + escaper.Replace(a.realm) + `", nonce="` + a.nonces[0].issue(a.now()) + `", qop="auth", algorithm=MD5`
	if stale {
		c += ", stale=true"
	}
	return c
}

var escaper = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

// Authenticate judges a request by its head. The error is the lookup's and
// comes with Failed only.
func (a *Authenticator) Authenticate(r *http.Request) (Credential, Result, error) {
	p, result := Parse(r.Header)
	if result != OK {
		return Credential{}, result, nil
	}
	return a.Verify(r, p)
}

// Verify checks parameters that Parse found good. It is apart from Parse so
// that a caller can look at the user name before a password is tried.
func (a *Authenticator) Verify(r *http.Request, p Params) (Credential, Result, error) {
	if !sameTarget(p.URI, r.RequestURI) {
		return Credential{}, Malformed, nil
	}
	cred, found, err := a.lookup(r.Context(), p.Username)
	if err != nil {
		return Credential{}, Failed, err
	}
	if !found || len(cred.HA1) != 32 {
		// The same work for nobody's password, so that time tells nothing.
		found, cred = false, Credential{HA1: a.nobody}
	}
	if !matches(r.Method, cred.HA1, &p) || !found {
		return Credential{}, Denied, nil
	}
	now := a.now()
	id, age, ours := a.open(p.Nonce, now)
	// A nonce from the future is another server's with a clock ahead of ours.
	if !ours || age > a.life || age < -a.life {
		return Credential{}, Stale, nil
	}
	if a.replay != nil && !a.replay.first(id, p.count, now) {
		return Credential{}, Stale, nil
	}
	return cred, OK, nil
}

// open is what signer.open says, of whichever key.
func (a *Authenticator) open(nonce string, now time.Time) (id nonceID, age time.Duration, ours bool) {
	for _, s := range a.nonces {
		if id, age, ours = s.open(nonce, now); ours {
			return id, age, true
		}
	}
	return id, 0, false
}

// matches compares the response with what the holder of ha1 would have sent.
func matches(method, ha1 string, p *Params) bool {
	var room [384]byte
	b := append(append(append(room[:0], method...), ':'), p.URI...)
	ha2 := md5.Sum(b)

	b = append(append(room[:0], ha1...), ':')
	b = append(append(b, p.Nonce...), ':')
	b = append(append(b, p.NC...), ':')
	b = append(append(b, p.CNonce...), ':')
	b = append(append(b, p.QOP...), ':')
	b = hex.AppendEncode(b, ha2[:])
	want := md5.Sum(b)

	var text [32]byte
	var got [md5.Size]byte
	copy(text[:], p.Response)
	if _, err := hex.Decode(got[:], text[:]); err != nil {
		return false
	}
	return subtle.ConstantTimeCompare(got[:], want[:]) == 1
}

// sameTarget compares the uri parameter with the request line. Either may be
// in absolute form; a query may be left out of the parameter, as some clients
// do, but not differ.
func sameTarget(uri, target string) bool {
	if uri == target && uri != "" {
		return true
	}
	path, query, hasQuery := strings.Cut(relative(uri), "?")
	wantPath, wantQuery, _ := strings.Cut(relative(target), "?")
	return path == wantPath && (!hasQuery || query == wantQuery)
}

// relative cuts scheme and host off an absolute address.
func relative(s string) string {
	if strings.HasPrefix(s, "/") {
		return s
	}
	_, rest, ok := strings.Cut(s, "://")
	if !ok {
		return s
	}
	if slash := strings.IndexByte(rest, '/'); slash >= 0 {
		return rest[slash:]
	}
	return "/"
}

// Drain reads and drops up to limit bytes of a request's body. A server that
// answers 401 and closes while the client still sends makes the client see a
// reset connection instead of the challenge.
func Drain(r *http.Request, limit int64) {
	if r.Body != nil {
		io.CopyN(io.Discard, r.Body, limit) // however it ends, the answer is the same
	}
}
