package server

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestCheckListen(t *testing.T) {
	const beyond = ": plain HTTP beyond loopback is refused; " + allowedListen
	for _, tt := range []struct {
		address          string
		secure, insecure bool
		want             string // the error, empty for none
	}{
		{"127.0.0.1:8080", false, false, ""},
		{"127.9.9.9:0", false, false, ""},
		{"[::1]:8080", false, false, ""},
		{"localhost:8080", false, false, ""},
		{"0.0.0.0:8080", true, false, ""},
		{"0.0.0.0:8080", false, true, ""},
		{":8080", false, true, ""},
		{"0.0.0.0:8080", false, false, `--listen "0.0.0.0:8080"` + beyond},
		{":8080", false, false, `--listen ":8080"` + beyond},
		{"[::]:8080", false, false, `--listen "[::]:8080"` + beyond},
		{"192.0.2.1:8080", false, false, `--listen "192.0.2.1:8080"` + beyond},
		{"8080", false, true, `--listen "8080": not an address; ` + allowedListen},
		{"", false, false, `--listen "": not an address; ` + allowedListen},
		{"127.0.0.1:99999", false, false, `--listen "127.0.0.1:99999": not an address; ` + allowedListen},
		{"a\nb:1", false, false, `--listen "a\nb:1": not an address; ` + allowedListen},
	} {
		_, err := checkListen(tt.address, tt.secure, tt.insecure)
		got := ""
		if err != nil {
			got = err.Error()
		}
		if got != tt.want {
			t.Errorf("%q:\n got %s\nwant %s", tt.address, got, tt.want)
		}
	}
}

func TestListenRefuses(t *testing.T) {
	f := newFixture(t, func(o *Options) { o.Listen = "0.0.0.0:0" })
	if err := f.Serve(t.Context()); err == nil || !strings.HasPrefix(err.Error(), "--listen ") {
		t.Error(err)
	}
	if f.Addr() != nil {
		t.Error("an address without a listener")
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	f = newFixture(t, func(o *Options) { o.Listen = taken.Addr().String() })
	if err := f.Listen(); err == nil || !strings.Contains(err.Error(), "--listen") || !strings.Contains(err.Error(), "in use") {
		t.Error(err)
	}
}

// writePair makes a key pair for the name and stores it.
func writePair(t *testing.T, certFile, keyFile, name string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{name}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{certFile: {Type: "CERTIFICATE", Bytes: der}, keyFile: {Type: "PRIVATE KEY", Bytes: raw}} {
		if file == "" {
			continue
		}
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestTLSReload(t *testing.T) {
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	writePair(t, cert, key, "first.example")
	f := newFixture(t, func(o *Options) { o.Listen, o.TLSCert, o.TLSKey = "127.0.0.1:0", cert, key })
	stop := f.run(t)
	defer stop()
	name := func() string {
		t.Helper()
		conn, err := tls.Dial("tcp", f.Addr().String(), &tls.Config{InsecureSkipVerify: true})
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		return conn.ConnectionState().PeerCertificates[0].DNSNames[0]
	}
	become := func(want string) {
		t.Helper()
		for limit := time.Now().Add(10 * time.Second); name() != want; time.Sleep(50 * time.Millisecond) {
			if time.Now().After(limit) {
				t.Fatalf("it is still %s", name())
			}
		}
	}
	become("first.example")
	// Half replaced: the old pair stays, and it is said once. The name is a longer one: a file
	// of the same size, written within a tick of the clock of files, would be the same file.
	writePair(t, cert, "", strings.Repeat("half.", 20)+"example")
	for limit := time.Now().Add(10 * time.Second); !strings.Contains(f.log.String(), "cannot be used"); time.Sleep(50 * time.Millisecond) {
		if name() != "first.example" || time.Now().After(limit) {
			t.Fatal("half a pair was used, or nobody complained")
		}
	}
	time.Sleep(certificateCheck + 100*time.Millisecond)
	if name() != "first.example" || strings.Count(f.log.String(), "cannot be used") != 1 {
		t.Error(f.log)
	}
	writePair(t, cert, key, "second.example")
	become("second.example")
	if strings.Contains(f.log.String(), "PRIVATE") {
		t.Error("key in the log")
	}

	// Plain HTTP on this port is refused, not redirected; HTTP/2 works.
	plain, err := http.Post("http://"+f.Addr().String()+"/xmlapi/xmlapi", "text/xml", nil)
	if err != nil {
		t.Fatal(err)
	}
	plain.Body.Close()
	if plain.StatusCode != 400 || plain.Header.Get("Location") != "" {
		t.Error(plain.Status)
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: true}
	defer transport.CloseIdleConnections()
	resp, err := (&http.Client{Transport: transport}).Get("https://" + f.Addr().String() + "/open")
	if err != nil {
		t.Fatal(err)
	}
	io.Copy(io.Discard, resp.Body)
	resp.Body.Close()
	if resp.StatusCode != 200 || resp.ProtoMajor != 2 {
		t.Errorf("%s %s", resp.Proto, resp.Status)
	}
}

func TestCertificateRefuses(t *testing.T) {
	dir := t.TempDir()
	cert, key, other := filepath.Join(dir, "c"), filepath.Join(dir, "k"), filepath.Join(dir, "o")
	writePair(t, cert, key, "a")
	writePair(t, filepath.Join(dir, "x"), other, "b")
	for _, tt := range []struct{ cert, key, want string }{
		{cert, "", `--tls-key "": missing beside --tls-cert; allowed: both files, or neither`},
		{"", key, `--tls-cert "": missing beside --tls-key; allowed: both files, or neither`},
		{cert + "x", key, `--tls-cert "` + cert + `x": `},
		{cert, key + "x", `--tls-key "` + key + `x": `},
		{cert, other, `--tls-cert "` + cert + `": `},
		{key, cert, `--tls-cert "` + key + `": `},
	} {
		f := newFixture(t, func(o *Options) { o.Listen, o.TLSCert, o.TLSKey = "127.0.0.1:0", tt.cert, tt.key })
		err := f.Listen()
		if err == nil || !strings.HasPrefix(err.Error(), tt.want) || !strings.Contains(err.Error(), "allowed: ") {
			t.Errorf("got %v, want %s", err, tt.want)
		}
	}
}

// run serves until the returned function is called, which checks that the
// server ended well.
func (f *fixture) run(t *testing.T) (stop func()) {
	t.Helper()
	if err := f.Listen(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- f.Serve(ctx) }()
	return func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}
