package hub

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"topupd/billing"
)

const (
	maxAnswer  = 64 << 10
	maxHeaders = 32 << 10
	userAgent  = "topupd-events/1"
	// timeout ends a call that nobody else would.
	timeout = 30 * time.Second
)

// Options say what may be called. The zero value works.
type Options struct {
	// AllowPrivate lets callbacks be in private networks and on this machine. Addresses by
	// which clouds tell machines their secrets stay refused.
	AllowPrivate bool
	// Resolver looks names up; nil is the system's.
	Resolver Resolver
	// RootCAs are who may sign certificates; nil is the system's.
	RootCAs *x509.CertPool
}

// Courier posts events. It is safe for concurrent use.
type Courier struct {
	allowPrivate bool
	resolver     Resolver
	dialer       net.Dialer
	client       *http.Client
}

var _ billing.Courier = (*Courier)(nil)

// New makes one; it connects to nothing.
func New(o Options) *Courier {
	c := &Courier{allowPrivate: o.AllowPrivate, resolver: o.Resolver, dialer: net.Dialer{Timeout: 5 * time.Second, KeepAlive: 30 * time.Second}}
	if c.resolver == nil {
		c.resolver = net.DefaultResolver
	}
	c.client = &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext:            c.dial,
			TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: o.RootCAs},
			TLSHandshakeTimeout:    5 * time.Second,
			ForceAttemptHTTP2:      true,
			DisableCompression:     true,
			MaxResponseHeaderBytes: maxHeaders,
			MaxIdleConnsPerHost:    4,
			MaxIdleConns:           256,
			// A kept connection was judged when it was made; it is not kept for long.
			IdleConnTimeout: 30 * time.Second,
		},
	}
	return c
}

// Close lets idle connections go.
func (c *Courier) Close() { c.client.CloseIdleConnections() }

// Why a message was not acknowledged; none of it names the callback.
var (
	errForbidden   = errors.New("the callback is in a network that is not called from here")
	errUnknownName = errors.New("the callback's name is not known")
	errUnreachable = errors.New("the callback cannot be reached")
	errTime        = errors.New("the callback did not answer in time")
	errRedirect    = errors.New("the callback redirects, which is not followed")
	errBroken      = errors.New("the callback's answer cannot be read")
)

// Post sends one message.
func (c *Courier) Post(ctx context.Context, m billing.EventMessage) (status int, err error) {
	u, err := parseCallback(m.Callback)
	if err != nil {
		return 0, err
	}
	key, err := keyOf(m.Secret)
	if err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), bytes.NewReader(m.Body))
	if err != nil {
		return 0, errUnreachable
	}
	req.Header.Set("Content-Type", "application/json;charset=utf-8")
	req.Header.Set("User-Agent", userAgent)
	sign(req.Header, key, m.ID, m.At, m.Body)
	// The transport sends a POST again by itself if a kept connection turns out to be dead;
	// the id is the same, so that is one repeat more.
	resp, err := c.client.Do(req)
	if err != nil {
		return 0, told(ctx, err)
	}
	defer resp.Body.Close()
	switch {
	case resp.StatusCode >= 200 && resp.StatusCode < 300:
		// A body read to its end lets the connection be used again; one without end is cut
		// off. Neither changes what was acknowledged.
		_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, maxAnswer))
		return resp.StatusCode, nil
	case resp.StatusCode >= 300 && resp.StatusCode < 400:
		return resp.StatusCode, errRedirect
	default:
		return resp.StatusCode, fmt.Errorf("the callback answered %d", resp.StatusCode)
	}
}

// told is why no answer came, in our own words: a receiver's, or an address, are not kept.
func told(ctx context.Context, err error) error {
	for _, ours := range []error{errForbidden, errUnknownName, errUnreachable} {
		if errors.Is(err, ours) {
			return ours
		}
	}
	var timedOut net.Error
	var unknown x509.UnknownAuthorityError
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	switch {
	case ctx.Err() != nil || errors.As(err, &timedOut) && timedOut.Timeout():
		return errTime
	case errors.As(err, &unknown), errors.As(err, &name), errors.As(err, &invalid):
		return errors.New("the callback's certificate is not valid")
	}
	return errBroken
}
