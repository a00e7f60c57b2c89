package server

import (
	"crypto/tls"
	"fmt"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/rs/zerolog"
)

// certificateCheck is how often the files are looked at, at most.
const certificateCheck = time.Second

// certificate is a key pair from files, read again when they change. It looks
// when a client comes, so that it needs no goroutine; a pair that cannot be
// read (half replaced, say) leaves the old one in use.
type certificate struct {
	certFile, keyFile string
	log               zerolog.Logger

	mu      sync.Mutex
	pair    *tls.Certificate
	read    stamps // of the files that pair was read from
	refused stamps // of the files that were complained about
	next    time.Time
}

// stamps tell whether files are still the same.
type stamps [2]struct {
	modified time.Time
	size     int64
}

// newCertificate reads the pair. Its error names the setting at fault.
func newCertificate(certFile, keyFile string, log zerolog.Logger) (*certificate, error) {
	for _, f := range []struct{ flag, file, other string }{
		{"--tls-cert", certFile, "--tls-key"}, {"--tls-key", keyFile, "--tls-cert"},
	} {
		if f.file == "" {
			return nil, fmt.Errorf("%s \"\": missing beside %s; allowed: both files, or neither", f.flag, f.other)
		}
		if _, err := os.Stat(f.file); err != nil {
			return nil, fmt.Errorf("%s %s: %w; allowed: a PEM file", f.flag, strconv.Quote(f.file), err)
		}
	}
	c := &certificate{certFile: certFile, keyFile: keyFile, log: log}
	if err := c.load(c.stat()); err != nil {
		return nil, fmt.Errorf("--tls-cert %s: %w; allowed: a PEM certificate chain that belongs to --tls-key %s",
			strconv.Quote(certFile), err, strconv.Quote(keyFile))
	}
	return c, nil
}

func (c *certificate) stat() stamps {
	var s stamps
	for i, file := range [2]string{c.certFile, c.keyFile} {
		if info, err := os.Stat(file); err == nil {
			s[i].modified, s[i].size = info.ModTime(), info.Size()
		}
	}
	return s
}

func (c *certificate) load(now stamps) error {
	pair, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err != nil {
		return err
	}
	c.pair, c.read = &pair, now
	return nil
}

// get is tls.Config.GetCertificate.
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := time.Now(); now.After(c.next) {
		c.next = now.Add(certificateCheck)
		c.refresh()
	}
	return c.pair, nil
}

// refresh reads changed files. The stamps are taken before the files are
// read, so that a change in between is seen next time.
func (c *certificate) refresh() {
	now := c.stat()
	if now == c.read {
		return
	}
	err := c.load(now)
	switch {
	case err == nil:
		c.log.Info().Str("file", c.certFile).Msg("certificate read again")
	case now != c.refused:
		c.refused = now
		c.log.Error().Err(err).Str("file", c.certFile).Msg("changed certificate cannot be used, the old one stays")
	}
}
