package digest

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	icholy "github.com/icholy/digest"

	"topupd/testdata/need"
)

func TestCurl(t *testing.T) {
	curl := need.Program(t, "curl", "apt-get install curl")
	srv := serve(t, newTest(t, nil))
	call := func(password string, more ...string) string {
		t.Helper()
		// The vendor's own example, plus the status behind the body.
		args := append([]string{"-sS", "-k", "--digest", "-u", testUser + ":" + password, "-w", " %{http_code}",
			"-d", "<?xml version='1.0'?><methodCall/>"}, more...)
		out, err := exec.CommandContext(t.Context(), curl, args...).CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return string(out)
	}
	url := srv.URL + "/xmlapi/xmlapi"
	if got := call(testPassword, url); got != "hello acme 200" {
		t.Errorf("got %q", got)
	}
	// Two addresses on one connection: the nonce is used again with nc=2.
	if got := call(testPassword, url, url); got != "hello acme 200hello acme 200" {
		t.Errorf("twice: %q", got)
	}
	if got := call(testPassword, url+"?a=b,c%20d"); got != "hello acme 200" {
		t.Errorf("with a query: %q", got)
	}
	if got := call("wrong", url); !strings.HasSuffix(got, " 401") {
		t.Errorf("wrong password: %q", got)
	}
	// --anyauth asks first; a large body waits for 100-continue.
	large := filepath.Join(t.TempDir(), "large")
	if err := os.WriteFile(large, make([]byte, 300_000), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := call(testPassword, "--anyauth", "-H", "Expect: 100-continue", "--data-binary", "@"+large, url); got != "hello acme 200" {
		t.Errorf("large: %q", got)
	}
}

const pythonCall = `
import sys, urllib.request, urllib.error
url, user, password = sys.argv[1:4]
passwords = urllib.request.HTTPPasswordMgrWithDefaultRealm()
passwords.add_password(None, url, user, password)
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPDigestAuthHandler(passwords))
for i in range(3):
    try:
        print(opener.open(url, data=b"<methodCall/>").read().decode())
    except urllib.error.HTTPError as e:
        print(e.code)
        break
    except ValueError as e:
        print("value error", e)
        break
`

func TestPython(t *testing.T) {
	python := need.Program(t, "python3", "apt-get install python3")
	// urllib reads a quoted realm without undoing escapes, so this one is plain.
	const realm = "topupd"
	a := newTest(t, func(c *Config) { c.Realm, c.Lookup = realm, lookupIn(realm) })
	srv := serve(t, a)
	for password, want := range map[string]string{
		testPassword: "hello acme\nhello acme\nhello acme\n",
		"wrong":      "401\n",
	} {
		out, err := exec.CommandContext(t.Context(), python, "-c", pythonCall, srv.URL+"/xmlapi/xmlapi", testUser, password).CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		if string(out) != want {
			t.Errorf("password %q: %q", password, out)
		}
	}
}

func TestGoClient(t *testing.T) {
	const realm = "topupd"
	a := newTest(t, func(c *Config) { c.Realm, c.Lookup = realm, lookupIn(realm) })
	srv := serve(t, a)
	inner := &http.Transport{}
	defer inner.CloseIdleConnections()
	for _, tt := range []struct {
		password string
		want     int
	}{{testPassword, 200}, {"wrong", 401}} {
		client := &http.Client{Transport: &icholy.Transport{Username: testUser, Password: tt.password, Transport: inner}}
		for range 3 {
			resp, err := client.Post(srv.URL+"/xmlapi/xmlapi", "text/xml", bytes.NewReader(make([]byte, 700_000)))
			if err != nil {
				t.Fatal(err)
			}
			body, _ := io.ReadAll(resp.Body)
			resp.Body.Close()
			if resp.StatusCode != tt.want {
				t.Errorf("%d: %s", resp.StatusCode, body)
			}
		}
	}
}
