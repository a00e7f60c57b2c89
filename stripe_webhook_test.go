package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"topupd/billing/gateway/stripe/stripefake"
)

// TestStripeWebhooks: the real server, a Stripe whose payments stay "processing",
// and webhooks that come twice each and newest first. What Stripe tells settles
// the charge, gives back, and holds the owner of a dispute.
func TestStripeWebhooks(t *testing.T) {
	fake, err := stripefake.New(stripefake.Options{Plan: func(c stripefake.Call) stripefake.Fault {
		if c.Op == stripefake.OpConfirm {
			return stripefake.Fault{Kind: stripefake.Processing}
		}
		return stripefake.Fault{}
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer fake.Close()
	dir := t.TempDir()
	address, err := freeAddress()
	if err != nil {
		t.Fatal(err)
	}
	const secret = "whsec_a_signing_secret"
	env := []string{
		"PATH=" + os.Getenv("PATH"), "TOPUPD_LISTEN=" + address, "TOPUPD_ADMIN_USER=ops", "TOPUPD_ADMIN_PASSWORD=a-password",
		"TOPUPD_GATEWAY=stripe", "TOPUPD_STRIPE_KEY=" + stripefake.Key, "TOPUPD_STRIPE_URL=" + fake.URL,
		"TOPUPD_STRIPE_WEBHOOK_SECRET=" + secret, "TOPUPD_GATEWAY_TIMEOUT=10s",
	}
	if out, err := topupd(t, dir, env, "import", lowAccounts(t, dir, 2)); err != nil {
		t.Fatalf("import: %v\n%s", err, out)
	}
	p, err := startServer(dir, env, address)
	if err != nil {
		t.Fatal(err)
	}
	defer p.end(syscall.SIGKILL)
	fake.Subscribe(stripefake.Endpoint{URL: "http://" + address + "/webhooks/stripe", Secret: secret, Copies: 2, Reversed: true})

	until := func(want string, args ...string) string {
		t.Helper()
		var out string
		for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
			if out, err = topupd(t, dir, env, args...); err == nil && strings.Contains(out, want) {
				return out
			}
		}
		t.Fatalf("topupd %s never says %q:\n%s", strings.Join(args, " "), want, out)
		return ""
	}
	payment := func(account string) string {
		t.Helper()
		for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
			for _, c := range fake.Calls() {
				if c.Op == stripefake.OpConfirm && c.PaymentMethod == "pm_card_visa-"+account {
					return c.PaymentIntent
				}
			}
		}
		t.Fatalf("account %s was never charged", account)
		return ""
	}
	one, two := payment("1"), payment("2")
	until("unknown", "charges", "--account", "1")
	fake.SettlePayment(one, true)
	fake.SettlePayment(two, false)
	until("succeeded", "charges", "--account", "1")
	until("tried again", "charges", "why", "--account", "2")

	fake.RefundByHand(one, 400)
	until(`"refunded":"4.00"`, "charges", "--account", "1", "--format", "json")
	until(",7.00,5.00,USD,ok,", "thresholds", "--format", "csv")

	dispute := fake.Dispute(one, "fraudulent")
	fake.WithdrawDispute(dispute, "usd")
	until(`"refunded":"14.00"`, "charges", "--account", "1", "--format", "json")
	until("disputed", "charges", "why", "--account", "1")
	until(",blocked,", "thresholds", "--below", "--format", "csv")
	if out, err := topupd(t, dir, env, "charges", "resume", "--account", "1", "--reason", "the bank called"); err != nil {
		t.Errorf("resume: %v\n%s", err, out)
	}
	until("resumed", "charges", "why", "--account", "1")
	if out, err := topupd(t, dir, env, "verify"); err != nil {
		t.Errorf("verify: %v\n%s", err, out)
	}
	if err := p.end(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) < 3 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, f := range files {
		text, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range []string{stripefake.Key, secret, "pm_card_visa-1"} {
			if f.Name() != "accounts.jsonl" && bytes.Contains(text, []byte(s)) {
				t.Errorf("%s holds a secret", f.Name())
			}
		}
	}
}
