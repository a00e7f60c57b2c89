package bench

import (
	"bufio"
	"bytes"
	"cmp"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// load sends requests over kept-alive connections, one at a time on each, and
// counts the answers. It parses no more of a reply than it must: the client
// shares the machine with the server it measures.
type load struct {
	addr        string
	path        string
	connections int
	body        func(r *rand.Rand, dst []byte) []byte
	want        string  // must occur in every answer
	login       *digest // nil: no Authorization header
	media       string  // empty: text/xml
	token       string  // a bearer token; empty: none
	status      int     // 0: 200
}

// run sends for d and returns requests a second.
func (l *load) run(d time.Duration) (float64, error) {
	var done atomic.Int64
	var wg sync.WaitGroup
	failed := make(chan error, l.connections)
	start := time.Now()
	deadline := start.Add(d)
	for i := range l.connections {
		wg.Go(func() {
			n, err := l.connection(rand.New(rand.NewPCG(uint64(i), uint64(start.UnixNano()))), deadline)
			done.Add(n)
			if err != nil {
				failed <- err
			}
		})
	}
	wg.Wait()
	select {
	case err := <-failed:
		return 0, err
	default:
		return float64(done.Load()) / time.Since(start).Seconds(), nil
	}
}

func (l *load) connection(r *rand.Rand, deadline time.Time) (n int64, err error) {
	conn, err := net.Dial("tcp", l.addr)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	in := bufio.NewReaderSize(conn, 16<<10)
	var login *digest
	if l.login != nil {
		if login, err = l.login.challenge(conn, in, l); err != nil {
			return 0, err
		}
	}
	var request, body, reply []byte
	for time.Now().Before(deadline) {
		body = l.body(r, body[:0])
		request = l.head(request[:0], len(body), login)
		request = append(request, body...)
		if _, err := conn.Write(request); err != nil {
			return n, err
		}
		var status int
		if status, reply, err = readReply(in, reply[:0]); err != nil {
			return n, err
		}
		if status != cmp.Or(l.status, 200) || !bytes.Contains(reply, []byte(l.want)) {
			return n, fmt.Errorf("status %d: %s", status, reply)
		}
		n++
	}
	return n, nil
}

func (l *load) head(dst []byte, length int, login *digest) []byte {
	dst = append(dst, "POST "...)
	dst = append(dst, l.path...)
	dst = append(dst, " HTTP/1.1\r\nHost: topupd\r\nContent-Type: "...)
	dst = append(dst, cmp.Or(l.media, "text/xml")...)
	if l.token != "" {
		dst = append(append(dst, "\r\nAuthorization: Bearer "...), l.token...)
	}
	dst = append(dst, "\r\nContent-Length: "...)
	dst = strconv.AppendInt(dst, int64(length), 10)
	if login != nil {
		dst = login.authorize(dst, l.path)
	}
	return append(dst, "\r\n\r\n"...)
}

// readReply reads one answer with a Content-Length.
func readReply(in *bufio.Reader, dst []byte) (status int, body []byte, err error) {
	length := -1
	for first := true; ; first = false {
		line, err := in.ReadSlice('\n')
		if err != nil {
			return 0, nil, err
		}
		line = bytes.TrimRight(line, "\r\n")
		switch {
		case first:
			if len(line) < 12 {
				return 0, nil, errors.New("no status line")
			}
			status, _ = strconv.Atoi(string(line[9:12]))
		case len(line) == 0:
			if length < 0 {
				return status, nil, errors.New("an answer without Content-Length")
			}
			for len(dst) < length {
				dst = append(dst, 0)
			}
			_, err := io.ReadFull(in, dst[:length])
			return status, dst[:length], err
		case len(line) > 16 && bytes.EqualFold(line[:15], []byte("Content-Length:")):
			length, _ = strconv.Atoi(string(bytes.TrimSpace(line[15:])))
		}
	}
}

// digest is a client's side of RFC 2617 with one nonce for a connection.
type digest struct {
	user, password string
	realm, nonce   string
	ha1, ha2       string
	nc             int
}

// challenge asks once without a login and keeps the nonce.
func (d *digest) challenge(conn net.Conn, in *bufio.Reader, l *load) (*digest, error) {
	head := "POST " + l.path + " HTTP/1.1\r\nHost: topupd\r\nContent-Length: 0\r\nAuthorization: Basic eDp5\r\n\r\n"
	if _, err := conn.Write([]byte(head)); err != nil {
		return nil, err
	}
	c := digest{user: d.user, password: d.password}
	length := 0
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return nil, err
		}
		line = strings.TrimRight(line, "\r\n")
		if line == "" {
			break
		}
		name, value, _ := strings.Cut(line, ": ")
		switch strings.ToLower(name) {
		case "www-authenticate":
			c.realm, c.nonce = quoted(value, "realm"), quoted(value, "nonce")
		case "content-length":
			length, _ = strconv.Atoi(value)
		}
	}
	if _, err := in.Discard(length); err != nil {
		return nil, err
	}
	if c.nonce == "" {
		return nil, errors.New("no challenge")
	}
	c.ha1 = hash(c.user + ":" + c.realm + ":" + c.password)
	c.ha2 = hash("POST:" + l.path)
	return &c, nil
}

func (d *digest) authorize(dst []byte, path string) []byte {
	d.nc++
	nc := fmt.Sprintf("%08x", d.nc)
	response := hash(d.ha1 + ":" + d.nonce + ":" + nc + ":c0:auth:" + d.ha2)
	return append(dst, "\r\nAuthorization: Digest username=\""+d.user+"\", realm=\""+d.realm+"\", nonce=\""+d.nonce+
		"\", uri=\""+path+"\", qop=auth, nc="+nc+", cnonce=\"c0\", response=\""+response+"\""...)
}

func hash(s string) string {
	h := md5.Sum([]byte(s))
	return hex.EncodeToString(h[:])
}

func quoted(header, name string) string {
	_, rest, _ := strings.Cut(header, name+`="`)
	value, _, _ := strings.Cut(rest, `"`)
	return value
}
