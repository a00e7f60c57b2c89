package smtp

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/quotedprintable"
	"net"
	netmail "net/mail"
	"net/url"
	"strings"
	"testing"
	"time"

	gosmtp "github.com/emersion/go-smtp"
	"go.uber.org/goleak"

	"topupd/billing"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var notice = billing.Mail{ID: "notice-7-abc", To: "alice@acme.example", Subject: "Balance low", Body: "Hello\n\nfour dollars\n.\nend\n"}

func mailer(t *testing.T, serverURL string, opts ...Option) Mailer {
	t.Helper()
	m, err := New(serverURL, "Billing <billing@topupd.example>", opts...)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func withLogin(scheme, host string) string {
	return fmt.Sprintf("%s://alice:%s@%s", scheme, url.QueryEscape(testPassword), host)
}

// read parses what the server got.
func read(t *testing.T, s *testServer) (delivery, netmail.Header, string) {
	t.Helper()
	got := s.deliveries()
	if len(got) != 1 {
		t.Fatalf("%d deliveries", len(got))
	}
	msg, err := netmail.ReadMessage(strings.NewReader(got[0].data))
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(msg.Body)
	if err != nil {
		t.Fatal(err)
	}
	if enc := msg.Header.Get("Content-Transfer-Encoding"); strings.EqualFold(enc, "quoted-printable") {
		if body, err = io.ReadAll(quotedprintable.NewReader(strings.NewReader(string(body)))); err != nil {
			t.Fatal(err)
		}
	}
	return got[0], msg.Header, strings.ReplaceAll(string(body), "\r\n", "\n")
}

func TestSendPlain(t *testing.T) {
	s := &testServer{}
	s.start(t)
	if err := mailer(t, "smtp://"+s.addr).Send(t.Context(), notice); err != nil {
		t.Fatal(err)
	}
	d, h, body := read(t, s)
	if d.from != "billing@topupd.example" || d.to != "alice@acme.example" || d.tls {
		t.Errorf("envelope %+v", d)
	}
	for name, want := range map[string]string{
		"Message-ID": "<notice-7-abc@topupd.example>", "From": `"Billing" <billing@topupd.example>`,
		"To": "<alice@acme.example>", "Subject": "Balance low", "Auto-Submitted": "auto-generated",
	} {
		if got := h.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if _, err := h.Date(); err != nil {
		t.Errorf("date: %v", err)
	}
	if strings.TrimRight(body, "\n") != strings.TrimRight(notice.Body, "\n") {
		t.Errorf("body %q", body)
	}
}

func TestSendNonASCII(t *testing.T) {
	s := &testServer{}
	s.start(t)
	long := strings.Repeat("Gr\u00fc\u00dfe aus Z\u00fcrich, \u20ac 5 \u2713 ", 12)
	b := billing.Mail{To: "Zo\u00eb <zoe@acme.example>", Subject: long, Body: "Guthaben: 4,00 \u20ac\n\u65e5\u672c\u8a9e\nbad \xff byte\n" + long + "\n"}
	if err := mailer(t, "smtp://"+s.addr).Send(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	d, h, body := read(t, s)
	subject, err := new(mime.WordDecoder).DecodeHeader(h.Get("Subject"))
	if err != nil || strings.TrimSpace(subject) != strings.TrimSpace(long) {
		t.Errorf("subject %q, %v", subject, err)
	}
	if want := strings.ReplaceAll(b.Body, "\xff", "\uFFFD"); strings.TrimRight(body, "\n") != strings.TrimRight(want, "\n") {
		t.Errorf("body %q, want %q", body, want)
	}
	if to, err := h.AddressList("To"); err != nil || to[0].Name != "Zo\u00eb" || d.to != "zoe@acme.example" {
		t.Errorf("recipient %v, %v", to, err)
	}
	for line := range strings.Lines(d.data) {
		if strings.Trim(line, "\r\n\t") != "" && (len(line) > 1000 || strings.ContainsFunc(line, func(r rune) bool { return r > '~' })) {
			t.Errorf("line on the wire: %q", line)
		}
	}
	if id := h.Get("Message-ID"); id == "" {
		t.Error("a mail without an id got no Message-ID")
	}
}

// How the connection is protected, by what the server offers and where it is.
func TestEncryptionAndLogin(t *testing.T) {
	conf, pool := certificate(t)
	remote := func(scheme string) string { return withLogin(scheme, "mail.example:25") }
	for name, tc := range map[string]struct {
		server *testServer
		url    string // empty: the server's own address
		trust  bool
		mech   string
		tls    bool
		fails  string
	}{
		"loopback_starttls_any_certificate":    {server: &testServer{starttls: true}, tls: true},
		"loopback_login_in_clear_text":         {server: &testServer{login: true}, mech: "PLAIN"},
		"loopback_login_over_starttls":         {server: &testServer{login: true, starttls: true}, mech: "PLAIN", tls: true},
		"loopback_smtps":                       {server: &testServer{login: true, implicit: true}, mech: "PLAIN", tls: true},
		"login_only_server":                    {server: &testServer{login: true, mechs: []string{"LOGIN"}}, mech: "LOGIN"},
		"no_login_method_in_common":            {server: &testServer{login: true, mechs: []string{"XOAUTH2"}}, fails: "PLAIN, LOGIN or CRAM-MD5"},
		"remote_starttls_trusted":              {server: &testServer{login: true, starttls: true}, url: remote("smtp"), trust: true, mech: "PLAIN", tls: true},
		"remote_smtps_trusted":                 {server: &testServer{login: true, implicit: true}, url: remote("smtps"), trust: true, mech: "PLAIN", tls: true},
		"remote_starttls_untrusted":            {server: &testServer{login: true, starttls: true}, url: remote("smtp"), fails: "certificate"},
		"remote_smtps_untrusted":               {server: &testServer{login: true, implicit: true}, url: remote("smtps"), fails: "certificate"},
		"remote_starttls_untrusted_no_login":   {server: &testServer{starttls: true}, url: "smtp://mail.example", fails: "certificate"},
		"remote_certificate_of_another_host":   {server: &testServer{implicit: true}, url: "smtps://mail2.example", trust: true, fails: "certificate"},
		"remote_login_without_encryption":      {server: &testServer{login: true}, url: remote("smtp"), fails: "no encryption"},
		"remote_without_login_and_encryption":  {server: &testServer{}, url: "smtp://mail.example"},
		"smtps_to_a_server_that_speaks_plain":  {server: &testServer{}, url: "smtps://mail.example", fails: "tls"},
		"a_server_that_wants_a_login_gets_one": {server: &testServer{login: true}, url: "smtp://mail.example", fails: "530"},
	} {
		t.Run(name, func(t *testing.T) {
			s := tc.server
			s.conf = conf
			s.start(t)
			opts := []Option{WithTimeout(5 * time.Second)}
			target := tc.url
			switch {
			case target != "":
				opts = append(opts, remotely(s))
			case s.implicit:
				target = withLogin("smtps", s.addr)
			case s.login:
				target = withLogin("smtp", s.addr)
			default:
				target = "smtp://" + s.addr
			}
			if tc.trust {
				opts = append(opts, WithRootCAs(pool))
			}
			err := mailer(t, target, opts...).Send(t.Context(), notice)
			if tc.fails != "" {
				var permanent *billing.PermanentError
				if err == nil || !strings.Contains(err.Error(), tc.fails) || errors.As(err, &permanent) || len(s.deliveries()) != 0 {
					t.Errorf("%v (%T), %d delivered", err, err, len(s.deliveries()))
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if d, _, _ := read(t, s); d.tls != tc.tls || d.mech != tc.mech {
				t.Errorf("delivery %+v", d)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	answer := func(code int) error { return &gosmtp.SMTPError{Code: code, Message: "not today"} }
	for name, tc := range map[string]struct {
		server    *testServer
		permanent bool
		text      string
	}{
		"recipient_5xx":    {&testServer{onRcpt: answer(550)}, true, "550"},
		"recipient_4xx":    {&testServer{onRcpt: answer(450)}, false, "450"},
		"sender_5xx":       {&testServer{onMail: answer(553)}, true, "553"},
		"sender_4xx":       {&testServer{onMail: answer(451)}, false, "451"},
		"sender_needs_530": {&testServer{onMail: answer(530)}, false, "530"},
		"content_5xx":      {&testServer{onData: answer(554)}, true, "554"},
		"content_4xx":      {&testServer{onData: answer(452)}, false, "452"},
		"login_535":        {&testServer{login: true, onAuth: answer(535)}, false, "535"},
		"login_454":        {&testServer{login: true, onAuth: answer(454)}, false, "454"},
	} {
		t.Run(name, func(t *testing.T) {
			s := tc.server
			s.start(t)
			target := "smtp://" + s.addr
			if s.login {
				target = withLogin("smtp", s.addr)
			}
			err := mailer(t, target).Send(t.Context(), notice)
			var permanent *billing.PermanentError
			if err == nil || errors.As(err, &permanent) != tc.permanent || !strings.Contains(err.Error(), tc.text) {
				t.Errorf("%T %v", err, err)
			}
			if len(s.deliveries()) != 0 {
				t.Error("it was delivered")
			}
		})
	}
}

func TestNetworkFaultsMayBeTriedAgain(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := l.Addr().String()
	_ = l.Close()
	err = mailer(t, "smtp://"+closed).Send(t.Context(), notice)
	var permanent *billing.PermanentError
	if err == nil || errors.As(err, &permanent) {
		t.Errorf("nobody listens: %T %v", err, err)
	}
	greeting := script(t, "554-go\r\n554 away\r\n")
	if err := mailer(t, "smtp://"+greeting).Send(t.Context(), notice); err == nil || errors.As(err, &permanent) || !strings.Contains(err.Error(), "554") || strings.Contains(err.Error(), "\n") {
		t.Errorf("turned away at the door: %T %v", err, err)
	}
}

// script is a server that says one thing and then waits for the client to go.
func script(t *testing.T, greeting string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = io.WriteString(conn, greeting)
			_, _ = io.Copy(io.Discard, conn)
			_ = conn.Close()
		}
	}()
	t.Cleanup(func() { _ = l.Close(); <-done })
	return l.Addr().String()
}

func TestSlowServers(t *testing.T) {
	stalled := &testServer{stall: make(chan struct{})}
	stalled.start(t)
	for name, addr := range map[string]string{
		"never_greets":     script(t, ""),
		"greets_only":      script(t, "220 mail.example\r\n"),
		"never_takes_it":   stalled.addr,
		"smtps_never_says": "tls:" + script(t, ""),
	} {
		t.Run(name, func(t *testing.T) {
			target := "smtp://" + addr
			if rest, ok := strings.CutPrefix(addr, "tls:"); ok {
				target = "smtps://" + rest
			}
			for end, try := range map[string]func() error{
				"time-out": func() error {
					return mailer(t, target, WithTimeout(100*time.Millisecond)).Send(t.Context(), notice)
				},
				"deadline": func() error {
					ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
					defer cancel()
					return mailer(t, target).Send(ctx, notice)
				},
				"cancelled": func() error {
					ctx, cancel := context.WithCancel(t.Context())
					time.AfterFunc(100*time.Millisecond, cancel)
					return mailer(t, target).Send(ctx, notice)
				},
			} {
				start := time.Now()
				err := try()
				want := context.DeadlineExceeded
				if end == "cancelled" {
					want = context.Canceled
				}
				var permanent *billing.PermanentError
				if !errors.Is(err, want) || errors.As(err, &permanent) {
					t.Errorf("%s: %T %v", end, err, err)
				}
				if d := time.Since(start); d > 15*time.Second {
					t.Errorf("%s: it took %s", end, d)
				}
			}
		})
	}
}

// A server that takes the mail and then hangs has taken it.
func TestNoGoodbye(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer func() { _ = conn.Close() }()
		answers := []string{"220 hi\r\n", "250 mail.example\r\n", "250 ok\r\n", "250 ok\r\n", "354 go\r\n", "250 taken\r\n"}
		buf := make([]byte, 1<<16)
		for i, a := range answers {
			if i > 0 {
				var seen string
				for end := "\r\n"; !strings.HasSuffix(seen, end); {
					n, err := conn.Read(buf)
					if err != nil {
						return
					}
					seen += string(buf[:n])
					if i == 5 {
						end = "\r\n.\r\n"
					}
				}
			}
			_, _ = io.WriteString(conn, a)
		}
		_, _ = io.Copy(io.Discard, conn) // no answer to QUIT
	}()
	defer func() { _ = l.Close(); <-done }()
	start := time.Now()
	if err := mailer(t, "smtp://"+l.Addr().String()).Send(t.Context(), notice); err != nil {
		t.Errorf("taken, then silent: %v", err)
	}
	if d := time.Since(start); d > 5*time.Second {
		t.Errorf("it took %s", d)
	}
}

func TestMalformedMailIsNeverSent(t *testing.T) {
	for name, change := range map[string]func(*billing.Mail){
		"to_injects_bcc":        func(b *billing.Mail) { b.To = "a@b.example\r\nBcc: c@d.example" },
		"to_injects_by_newline": func(b *billing.Mail) { b.To = "a@b.example\nX: y" },
		"to_injects_a_command":  func(b *billing.Mail) { b.To = "<a@b.example>\r\nDATA" },
		"to_name_injects":       func(b *billing.Mail) { b.To = "=?utf-8?q?a=0D=0ABcc?= <a@b.example>" },
		"to_comment_injects":    func(b *billing.Mail) { b.To = "a@b.example (x\ny)" },
		"to_next_line":          func(b *billing.Mail) { b.To = "a@b\u0085c.example" },
		"to_quoted_control":     func(b *billing.Mail) { b.To = "\"a\x01\"@b.example" },
		"to_list":               func(b *billing.Mail) { b.To = "a@b.example, c@d.example" },
		"to_group":              func(b *billing.Mail) { b.To = "all: a@b.example, c@d.example;" },
		"to_empty":              func(b *billing.Mail) { b.To = "" },
		"to_no_address":         func(b *billing.Mail) { b.To = "alice" },
		"to_quoted_space":       func(b *billing.Mail) { b.To = "\"a> c\"@b.example" },
		"subject_injects":       func(b *billing.Mail) { b.Subject = "low\r\nBcc: c@d.example" },
		"subject_newline":       func(b *billing.Mail) { b.Subject = "low\nX: y" },
		"subject_nul":           func(b *billing.Mail) { b.Subject = "low\x00" },
		"subject_next_line":     func(b *billing.Mail) { b.Subject = "low\u0085X: y" },
		"id_injects":            func(b *billing.Mail) { b.ID = "a>\r\nBcc: c@d.example\r\nX: <b" },
		"id_with_brackets":      func(b *billing.Mail) { b.ID = "<a@b>" },
		"id_with_space":         func(b *billing.Mail) { b.ID = "a b" },
	} {
		b := notice
		change(&b)
		err := mailer(t, "smtp://mail.example", nowhere).Send(t.Context(), b)
		var permanent *billing.PermanentError
		if !errors.As(err, &permanent) || errors.Is(err, errRefusedDial) {
			t.Errorf("%s: %T %v", name, err, err)
		}
	}
}

// The password is in no error and no print, whatever the server answers.
func TestPasswordStaysSecret(t *testing.T) {
	plain := base64.StdEncoding.EncodeToString([]byte("\x00alice\x00" + testPassword))
	echo := &gosmtp.SMTPError{Code: 535, Message: "no " + testPassword + " and no " + plain + " for you"}
	s := &testServer{login: true, onAuth: echo}
	s.start(t)
	m := mailer(t, withLogin("smtp", s.addr))
	err := m.Send(t.Context(), notice)
	if err == nil {
		t.Fatal("a wrong login was taken")
	}
	shown := fmt.Sprintf("%v %+v %#v %v %+v %#v %s", err, err, err, m, m, &m, []Mailer{m})
	for _, secret := range []string{testPassword, url.QueryEscape(testPassword), plain, base64.StdEncoding.EncodeToString([]byte(testPassword))} {
		if strings.Contains(shown, secret) {
			t.Errorf("shows %q: %s", secret, shown)
		}
	}
	if !strings.Contains(shown, "no redacted and no redacted for") || strings.ContainsAny(err.Error(), "\r\n") {
		t.Errorf("error %q", err)
	}
}
