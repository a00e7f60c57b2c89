package hub

import (
	"context"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"topupd/billing"
)

// never are networks that nobody's callback is in, whatever a setting allows: what a cloud
// tells its machines about themselves, and what is no address of one machine.
var never = prefixes(
	"0.0.0.0/8", "169.254.0.0/16", "192.0.0.0/24", "224.0.0.0/4", "240.0.0.0/4",
	"100.100.100.200/32", "168.63.129.16/32", "fd00:ec2::254/128", "fd20:ce::254/128",
	"::/128", "fe80::/10", "fec0::/10", "ff00::/8", "100::/64",
)

// private are networks behind our own door.
var private = prefixes(
	"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "100.64.0.0/10", "198.18.0.0/15",
	"::1/128", "fc00::/7",
)

// reserved are those of documentation and of protocols, where nobody answers.
var reserved = prefixes(
	"192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "192.88.99.0/24",
	"2001:db8::/32", "3fff::/20", "2001::/23", "5f00::/16",
)

// embedding are networks whose addresses hold an IPv4 address, from a bit on: what is
// refused there is refused here.
var embedding = []struct {
	netip.Prefix
	at int // the byte where it begins
}{
	{netip.MustParsePrefix("64:ff9b::/96"), 12}, // NAT64
	{netip.MustParsePrefix("2002::/16"), 2},     // 6to4
	{netip.MustParsePrefix("::/96"), 12},        // IPv4-compatible
	{netip.MustParsePrefix("::ffff:0:0:0/96"), 12},
}

// The local use of NAT64 has its IPv4 address anywhere.
var translated = prefixes("64:ff9b:1::/48")

func prefixes(texts ...string) []netip.Prefix {
	list := make([]netip.Prefix, len(texts))
	for i, text := range texts {
		list[i] = netip.MustParsePrefix(text)
	}
	return list
}

func within(a netip.Addr, list []netip.Prefix) bool {
	for _, p := range list {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// callable reports whether messages may be sent to an address.
func callable(a netip.Addr, allowPrivate bool) bool {
	a = a.Unmap().WithZone("")
	if !a.IsValid() || within(a, never) || within(a, reserved) || within(a, translated) {
		return false
	}
	if within(a, private) {
		return allowPrivate
	}
	if a.Is6() {
		for _, e := range embedding {
			if e.Contains(a) {
				b := a.As16()
				return callable(netip.AddrFrom4([4]byte(b[e.at:e.at+4])), false)
			}
		}
	}
	return a.IsGlobalUnicast()
}

// parseCallback refuses what is no address that can be posted to. The text itself is not
// repeated.
func parseCallback(text string) (*url.URL, error) {
	bad := func(why string) (*url.URL, error) {
		return nil, billing.Errorf(billing.Invalid, "callback", "the callback %s", why)
	}
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Opaque != "" || u.Hostname() == "":
		return bad("is no URL: https://HOST/PATH")
	case u.Scheme != "https" && u.Scheme != "http":
		return bad("is neither https nor http")
	case u.User != nil:
		return bad("holds a login; messages are signed instead")
	case u.Fragment != "" || strings.Contains(text, "#"):
		return bad("holds a fragment")
	case !printable(text):
		return bad("holds characters that belong percent-encoded")
	case !validPort(u):
		return bad("has no port from 1 to 65535")
	}
	return u, nil
}

func printable(text string) bool {
	return strings.IndexFunc(text, func(r rune) bool { return r <= ' ' || r > '~' || r == '\\' }) < 0
}

func validPort(u *url.URL) bool {
	if u.Port() == "" {
		return !strings.HasSuffix(u.Host, ":")
	}
	n, err := strconv.ParseUint(u.Port(), 10, 16)
	return err == nil && n > 0
}

// Resolver looks names up; net.Resolver is one.
type Resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// lookupTimeout bounds the look at registration.
const lookupTimeout = 3 * time.Second

var errSpecial = billing.Errorf(billing.Invalid, "callback", "the callback is in a network that is not called from here")

// Check refuses a callback that may not be called. A name that leads to one address inside
// and one outside is refused: somebody tries something. One that leads nowhere now is not;
// each delivery looks again.
func (c *Courier) Check(ctx context.Context, callback string, lookup bool) error {
	u, err := parseCallback(callback)
	if err != nil {
		return err
	}
	host := u.Hostname()
	if a, err := netip.ParseAddr(host); err == nil {
		if !callable(a, c.allowPrivate) {
			return errSpecial
		}
		return nil
	}
	// What looks like a number is one to some resolvers ("127.1", "0x7f000001", "2130706433").
	if numeric(host) || !c.allowPrivate && localName(host) {
		return errSpecial
	}
	if !lookup {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, lookupTimeout)
	defer cancel()
	found, err := c.resolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return nil
	}
	for _, a := range found {
		if !callable(a, c.allowPrivate) {
			return errSpecial
		}
	}
	return nil
}

// numeric reports whether the last label begins with a digit: no top-level domain does.
func numeric(host string) bool {
	labels := strings.Split(strings.TrimSuffix(host, "."), ".")
	last := labels[len(labels)-1]
	return last == "" || last[0] >= '0' && last[0] <= '9'
}

func localName(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	for _, name := range []string{"localhost", "local", "internal", "localdomain", "home.arpa"} {
		if host == name || strings.HasSuffix(host, "."+name) {
			return true
		}
	}
	return false
}

// dial looks the name up once, judges every address, and connects to one of those.
func (c *Courier) dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, errUnreachable
	}
	var found []netip.Addr
	if a, err := netip.ParseAddr(host); err == nil {
		found = []netip.Addr{a}
	} else if numeric(host) {
		return nil, errForbidden
	} else if found, err = c.resolver.LookupNetIP(ctx, "ip", host); err != nil {
		return nil, errUnknownName
	}
	for _, a := range found {
		if !callable(a, c.allowPrivate) {
			return nil, errForbidden
		}
	}
	for _, a := range found {
		conn, failed := c.dialer.DialContext(ctx, network, net.JoinHostPort(a.Unmap().String(), port))
		if failed == nil {
			return conn, nil
		}
		if ctx.Err() != nil {
			break
		}
	}
	return nil, errUnreachable
}
