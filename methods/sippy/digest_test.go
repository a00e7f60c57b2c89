package sippy_test

import (
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
)

// pairs is how many panels call at once. One watches the balances of all accounts in
// parallel, each call a challenge and an answer (sippy.md 2.9).
const pairs = 300

// digestPanel is one connection of its own, and the login of customer 42.
type digestPanel struct {
	http *http.Client
	url  string
}

func newDigestPanel(t *testing.T, url string) *digestPanel {
	inner := &http.Transport{}
	t.Cleanup(inner.CloseIdleConnections)
	return &digestPanel{&http.Client{Transport: inner}, url}
}

// post sends getLowBalance of account n of customer 42.
func (p *digestPanel) post(n int, authorization string) (status int, challenge, body string, err error) {
	call := fmt.Sprintf("<?xml version='1.0'?><methodCall><methodName>getLowBalance</methodName><params><param><value><struct>"+
		"<member><name>i_account</name><value><int>%d</int></value></member></struct></value></param></params></methodCall>", 42*10_000+n)
	r, err := http.NewRequest(http.MethodPost, p.url, strings.NewReader(call))
	if err != nil {
		return 0, "", "", err
	}
	r.Header.Set("Content-Type", "text/xml")
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	answer, err := p.http.Do(r)
	if err != nil {
		return 0, "", "", err
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	return answer.StatusCode, answer.Header.Get("WWW-Authenticate"), string(text), err
}

var (
	realmOf = regexp.MustCompile(`realm="([^"]*)"`)
	nonceOf = regexp.MustCompile(`nonce="([^"]*)"`)
)

// challenge is the first half of a pair: its realm and nonce.
func (p *digestPanel) challenge(n int) (realm, nonce string, err error) {
	status, header, _, err := p.post(n, "")
	r, c := realmOf.FindStringSubmatch(header), nonceOf.FindStringSubmatch(header)
	if err != nil || status != 401 || r == nil || c == nil {
		return "", "", fmt.Errorf("no challenge: %d %q %w", status, header, err)
	}
	return r[1], c[1], nil
}

func hexMD5(s string) string {
	sum := md5.Sum([]byte(s))
	return hex.EncodeToString(sum[:])
}

func signed(realm, nonce, cnonce, password string, count int) string {
	const login, uri = "rows1000", "/xmlapi/xmlapi"
	nc := fmt.Sprintf("%08x", count)
	response := hexMD5(hexMD5(login+":"+realm+":"+password) + ":" + nonce + ":" + nc + ":" + cnonce + ":auth:" + hexMD5("POST:"+uri))
	return fmt.Sprintf(`Digest username="%s", realm="%s", nonce="%s", uri="%s", qop=auth, nc=%s, cnonce="%s", response="%s", algorithm=MD5`,
		login, realm, nonce, uri, nc, cnonce, response)
}

// answered is the second half: the policy, or what came instead.
func (p *digestPanel) answered(n int, authorization string) error {
	status, header, body, err := p.post(n, authorization)
	if err != nil || status != 200 || !result.MatchString(body) || !strings.Contains(body, "<name>threshold</name>") {
		return fmt.Errorf("%d %s %.200q %w", status, header, body, err)
	}
	return nil
}

// 300 pairs at once, in each of the forms that clients are known to use (sippy.md 1.2),
// and not one is refused.
func TestDigestPairsInParallel(t *testing.T) {
	k := newKit(t)
	k.lists(t)
	url := k.serve(t)
	sharedRealm, shared, err := newDigestPanel(t, url).challenge(0)
	must(t, err)
	zeroRealm, fromZero, err := newDigestPanel(t, url).challenge(0)
	must(t, err)
	counts := rand.Perm(pairs)
	for _, form := range []struct {
		name string
		pair func(p *digestPanel, n int, realm, nonce string) error
	}{
		{"a nonce each", func(p *digestPanel, n int, realm, nonce string) error {
			return p.answered(n, signed(realm, nonce, fmt.Sprintf("%016x", n), "rows1000", 1))
		}},
		// one nonce and one cnonce for all, as LWP has it; the counts overtake each other
		{"one nonce", func(p *digestPanel, n int, _, _ string) error {
			return p.answered(n, signed(sharedRealm, shared, "kept", "rows1000", counts[n]+1))
		}},
		{"a nonce each, from 0", func(p *digestPanel, n int, realm, nonce string) error {
			if err := p.answered(n, signed(realm, nonce, "first", "rows1000", 0)); err != nil {
				return err
			}
			return p.answered(n, signed(realm, nonce, "second", "rows1000", 1))
		}},
		{"one nonce, from 0", func(p *digestPanel, n int, _, _ string) error {
			return p.answered(n, signed(zeroRealm, fromZero, "kept", "rows1000", counts[n]))
		}},
	} {
		t.Run(form.name, func(t *testing.T) {
			start := make(chan struct{})
			var group sync.WaitGroup
			for n := range pairs {
				p := newDigestPanel(t, url)
				group.Go(func() {
					<-start
					realm, nonce, err := p.challenge(n)
					if err == nil {
						err = form.pair(p, n, realm, nonce)
					}
					if err != nil {
						t.Errorf("panel %d: %v", n, err)
					}
				})
			}
			close(start)
			group.Wait()
		})
	}
	// The same server does refuse: a count that was used, and a wrong password.
	p := newDigestPanel(t, url)
	status, header, _, err := p.post(0, signed(sharedRealm, shared, "kept", "rows1000", counts[0]+1))
	if err != nil || status != 401 || !strings.Contains(header, "stale=true") {
		t.Errorf("a used count: %d %s %v", status, header, err)
	}
	realm, nonce, err := p.challenge(0)
	must(t, err)
	if status, _, _, err := p.post(0, signed(realm, nonce, "c", "wrong", 1)); err != nil || status != 401 {
		t.Errorf("a wrong password: %d %v", status, err)
	}
}
