package smtp

import (
	"strings"
	"testing"
)

func TestParseServer(t *testing.T) {
	for text, want := range map[string]server{
		"smtp://mail.example":                         {host: "mail.example", port: 25},
		"smtp://mail.example:2525/":                   {host: "mail.example", port: 2525},
		"smtp://alice:secret@mail.example":            {host: "mail.example", port: 587, user: "alice", password: "secret"},
		"smtps://mail.example":                        {host: "mail.example", port: 465, implicit: true},
		"smtps://a%40b.example:p%2Fw%3A@[::1]:465":    {host: "::1", port: 465, implicit: true, user: "a@b.example", password: "p/w:"},
		"smtp://alice:%E2%82%AC@127.0.0.1:25":         {host: "127.0.0.1", port: 25, user: "alice", password: "\u20ac"},
		"smtp://alice:with:colons@mail.example:65535": {host: "mail.example", port: 65535, user: "alice", password: "with:colons"},
	} {
		if got, err := parseServer(text); err != nil || got != want {
			t.Errorf("%s: %#v %q, %v", text, got, got.password.Reveal(), err)
		}
	}
}

func TestParseServerRefuses(t *testing.T) {
	for _, text := range []string{
		"", "mail.example", "mail.example:25", "http://mail.example", "smtp://", "smtp://:25",
		"smtp://alice:hunter2@", "smtp://alice:hunter2@mail.example:0", "smtp://alice:hunter2@mail.example:70000",
		"smtp://alice:hunter2@mail.example:25/path", "smtp://alice:hunter2@mail.example?x=hunter2",
		"smtp://alice:hunter2@mail.example#hunter2", "smtp://alice:hunter2/more@mail.example", "smtp://alice:hunter2%zz@mail.example",
		"smtp://alice:hunter2@mail example", "smtp://alice@mail.example", "smtp://:hunter2@mail.example", "smtp:alice:hunter2@mail.example",
		"smtp://alice:hunter2@mail.example:port", "://hunter2", "\x7fhunter2",
	} {
		got, err := parseServer(text)
		if err == nil {
			t.Errorf("%q was accepted: %s", text, got.address())
		} else if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: the error shows the password: %v", text, err)
		}
	}
	for _, from := range []string{"", "billing", "a@b.example, c@d.example", "a@b.example\r\nBcc: x@y.example"} {
		if _, err := New("smtp://mail.example", from); err == nil {
			t.Errorf("sender %q was accepted", from)
		}
	}
}

func TestLoopback(t *testing.T) {
	for host, want := range map[string]bool{
		"localhost": true, "127.0.0.1": true, "127.1.2.3": true, "::1": true,
		"mail.example": false, "10.0.0.1": false, "localhost.evil.example": false, "0.0.0.0": false,
	} {
		if got := (server{host: host}).loopback(); got != want {
			t.Errorf("%s: %v", host, got)
		}
	}
}
