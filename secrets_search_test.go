package main

import (
	"bytes"
	"crypto/md5"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"html"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// secret is something that must not come out.
type secret struct {
	name  string
	value string
	// allowed are the places where it is meant to be, as prefixes of them.
	allowed []string
}

// passwordOf are the rows of a login's password: what it is kept as is as good
// as the password itself.
func passwordOf(login, password string, allowed ...string) []secret {
	sum := md5.Sum([]byte(login + ":topupd:" + password))
	return []secret{
		{"password of " + login, password, nil},
		{"HA1 of " + login, hex.EncodeToString(sum[:]), allowed},
		{"HA1 of " + login + " (bytes)", string(sum[:]), allowed},
	}
}

// keyOf are the rows of a sealing key.
func keyOf(name, key string, allowed ...string) []secret {
	raw, _ := base64.StdEncoding.DecodeString(key)
	return []secret{{name, key, allowed}, {name + " (bytes)", string(raw), allowed}}
}

// forms are the ways in which a secret may come out, each with its name.
func (s secret) forms() map[string][]byte {
	v := []byte(s.value)
	forms := map[string][]byte{}
	add := func(name string, form []byte) {
		for _, known := range forms {
			if bytes.Equal(known, form) {
				return
			}
		}
		forms[name] = form
	}
	add("plain", v)
	if n := 12; len(v) > n {
		// A text that was cut still tells much of it, and so does one whose middle
		// is escaped in a way that nobody thought of.
		add("its beginning", v[:n])
		add("its end", v[len(v)-n:])
	}
	add("hex", []byte(hex.EncodeToString(v)))
	add("HEX", []byte(strings.ToUpper(hex.EncodeToString(v))))
	for name, enc := range map[string]*base64.Encoding{"base64": base64.RawStdEncoding, "base64url": base64.RawURLEncoding} {
		for shift := range 3 {
			add(fmt.Sprintf("%s at %d", name, shift), base64At(enc, v, shift))
		}
	}
	add("in a query", []byte(url.QueryEscape(s.value)))
	add("in a path", []byte(url.PathEscape(s.value)))
	add("in user info", []byte(strings.TrimPrefix(url.UserPassword("", s.value).String(), ":")))
	add("in JSON", jsonText(s.value, true))
	add("in JSON, as it is", jsonText(s.value, false))
	add("in Go", []byte(strings.Trim(strconv.Quote(s.value), `"`)))
	add("in HTML", []byte(html.EscapeString(s.value)))
	var x bytes.Buffer
	_ = xml.EscapeText(&x, v) // a buffer takes everything
	add("in XML", x.Bytes())
	if len(s.value) == 16 && strings.Trim(s.value, "0123456789") == "" {
		for _, between := range []string{" ", "-"} {
			add("grouped by "+strconv.Quote(between), []byte(strings.Join([]string{s.value[:4], s.value[4:8], s.value[8:12], s.value[12:]}, between)))
		}
	}
	return forms
}

// base64At is what stays the same of a value's base64 wherever it stands in a
// longer text.
func base64At(enc *base64.Encoding, v []byte, shift int) []byte {
	padded := append(make([]byte, shift), v...)
	text := []byte(enc.EncodeToString(padded))
	// The first letters hold bits of what stands before, the last one of what follows.
	from, to := (shift*8+5)/6, len(padded)*8/6
	return text[from:to]
}

func jsonText(s string, escapeHTML bool) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(escapeHTML)
	_ = e.Encode(s) // a string always encodes
	return bytes.TrimSuffix(bytes.TrimPrefix(b.Bytes(), []byte(`"`)), []byte("\"\n"))
}

// evidence is everything that came out, by place.
type evidence struct {
	mu     sync.Mutex
	pieces []piece
}

type piece struct {
	place string
	data  []byte
}

func (e *evidence) add(place string, data []byte) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.pieces = append(e.pieces, piece{place, data})
}

// at is all that came out at the places with a prefix.
func (e *evidence) at(prefix string) []byte {
	e.mu.Lock()
	defer e.mu.Unlock()
	var all []byte
	for _, p := range e.pieces {
		if strings.HasPrefix(p.place, prefix) {
			all = append(all, p.data...)
		}
	}
	return all
}

// leaks names every place where a secret is that must not be there.
func (e *evidence) leaks(secrets []secret) (found []string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, s := range secrets {
		for form, text := range s.forms() {
			for _, p := range e.pieces {
				may := slices.ContainsFunc(s.allowed, func(prefix string) bool { return strings.HasPrefix(p.place, prefix) })
				if at := bytes.Index(p.data, text); at >= 0 && !may {
					found = append(found, fmt.Sprintf("%s (%s) is in %s: %q", s.name, form, p.place, around(p.data, at, len(text))))
				}
			}
		}
	}
	slices.Sort(found)
	return found
}

// around is what stands before and after a find, without the find.
func around(data []byte, at, n int) string {
	const near = 60
	return string(data[max(0, at-near):at]) + "<HERE>" + string(data[at+n:min(len(data), at+n+near)])
}

// The search finds a secret in each of its forms, also inside of something
// else, and only there.
func TestSecretSearch(t *testing.T) {
	s := secret{"password", `Ab3d-5678/"p@ss\é<%+&'zyxwvu`, []string{"stdout: meant"}}
	token := base64.StdEncoding.EncodeToString
	for name, text := range map[string]string{
		"plain": s.value, "cut": s.value[:16], "query": "a=1&p=" + url.QueryEscape(s.value), "json": fmt.Sprintf(`{"x":%q}`, s.value),
		"basic":         "Authorization: Basic " + token([]byte("acme:"+s.value)),
		"basic 2":       "Authorization: Basic " + token([]byte("acme1:"+s.value)),
		"basic 3":       "Authorization: Basic " + token([]byte("acme12:"+s.value)),
		"auth":          token([]byte("\x00acme\x00" + s.value + "\x00 and more")),
		"userinfo":      (&url.URL{Scheme: "smtp", User: url.UserPassword("u", s.value), Host: "h"}).String(),
		"hex":           hex.EncodeToString([]byte(s.value)),
		"bytes":         fmt.Sprintf("%X", s.value),
		"html":          "<b>" + html.EscapeString(s.value) + "</b>",
		"go":            fmt.Sprintf("%q", s.value),
		"escaped twice": fmt.Sprintf("%q", fmt.Sprintf("%q", s.value)),
		"go syntax":     fmt.Sprintf("%#v", []string{s.value}),
	} {
		var e evidence
		e.add("stdout: meant to be", []byte(text))
		e.add("log", []byte("nothing"))
		if found := e.leaks([]secret{s}); found != nil {
			t.Errorf("%s: found where it may be: %v", name, found)
		}
		e.add("log", []byte("xx"+text+"yy"))
		if found := e.leaks([]secret{s}); len(found) == 0 {
			t.Errorf("%s: not found in %s", name, text)
		}
	}
	key := base64.StdEncoding.EncodeToString(bytes.Repeat([]byte("0123456789abcdef"), 2))
	for _, rows := range [][]secret{keyOf("key", key), passwordOf("acme", "a-secret")} {
		for _, s := range rows {
			var e evidence
			e.add("file", []byte("xx"+s.value+"yy"))
			if len(e.leaks(rows)) == 0 {
				t.Errorf("%s: not found", s.name)
			}
		}
	}
	card := secret{name: "card number", value: "4012888888881881"}
	var e evidence
	e.add("log", []byte("4012 8888 8888 1881"))
	if len(e.leaks([]secret{card})) == 0 {
		t.Error("a grouped card number was not found")
	}
}
