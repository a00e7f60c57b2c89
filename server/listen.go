package server

import (
	"crypto/tls"
	"fmt"
	"net"
	"strconv"
)

// allowedListen ends every refusal of --listen.
const allowedListen = "allowed: a loopback address such as 127.0.0.1:8080, or any HOST:PORT together with --tls-cert and --tls-key, or with --insecure"

// checkListen resolves the address of --listen and refuses plain HTTP beyond
// loopback: passwords of old interfaces are worth little more than plain text.
func checkListen(address string, secure, insecure bool) (*net.TCPAddr, error) {
	refuse := func(why string) error {
		return fmt.Errorf("--listen %s: %s; %s", strconv.Quote(address), why, allowedListen)
	}
	if _, _, err := net.SplitHostPort(address); err != nil {
		return nil, refuse("not an address")
	}
	addr, err := net.ResolveTCPAddr("tcp", address)
	if err != nil {
		return nil, refuse("not an address")
	}
	if !secure && !insecure && !addr.IP.IsLoopback() {
		return nil, refuse("plain HTTP beyond loopback is refused")
	}
	return addr, nil
}

// Listen opens the listener, so that its address can be told before requests
// are answered. Its errors name the setting, the value and what is allowed.
func (s *Server) Listen() error {
	o := &s.options
	secure := o.TLSCert != "" || o.TLSKey != ""
	var cert *certificate
	if secure {
		var err error
		if cert, err = newCertificate(o.TLSCert, o.TLSKey, o.Logger); err != nil {
			return err
		}
	}
	addr, err := checkListen(o.Listen, secure, o.Insecure)
	if err != nil {
		return err
	}
	ln, err := net.ListenTCP("tcp", addr)
	if err != nil {
		return fmt.Errorf("--listen %s: %w; allowed: a free HOST:PORT of this machine", strconv.Quote(o.Listen), err)
	}
	s.listener = ln
	if secure {
		s.listener = tls.NewListener(ln, &tls.Config{
			MinVersion:     tls.VersionTLS12,
			NextProtos:     []string{"h2", "http/1.1"},
			GetCertificate: cert.get,
		})
	}
	return nil
}

// Addr is the address that Listen opened; nil before.
func (s *Server) Addr() net.Addr {
	if s.listener == nil {
		return nil
	}
	return s.listener.Addr()
}
