package log_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rs/zerolog"

	"topupd/billing"
	"topupd/billing/mailer/log"
)

func TestSendIsOneLine(t *testing.T) {
	var out bytes.Buffer
	m := log.New(zerolog.New(&out))
	err := m.Send(t.Context(), billing.Mail{ID: "notice-7", To: "alice@acme.example", Subject: "Balance low: \u20ac 4", Body: "one\ntwo\n"})
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(out.Bytes(), []byte("\n")); n != 1 {
		t.Errorf("%d lines: %s", n, out.String())
	}
	var got map[string]string
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"level": "info", "message": "mail", "mail_id": "notice-7", "to": "alice@acme.example",
		"subject": "Balance low: \u20ac 4", "body": "one\ntwo\n",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestSendAfterTheEnd(t *testing.T) {
	var out bytes.Buffer
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := log.New(zerolog.New(&out)).Send(ctx, billing.Mail{To: "a@b.example"})
	if !errors.Is(err, context.Canceled) || out.Len() != 0 {
		t.Errorf("%v, %q", err, out.String())
	}
}
