package billing_test

import (
	"regexp"
	"testing"

	"topupd/billing"
)

func (k *kit) token(secret billing.Secret) error {
	_, err := k.engine.FindToken(root(t0), billing.TokenHash(secret))
	return err
}

func TestTokens(t *testing.T) {
	k := newKit(t)
	k.seed("tok_ok")
	k.audits()
	made, secret, err := k.engine.AddToken(root(t0), billing.Customer(10), "crm")
	k.ok(err)
	if !regexp.MustCompile(`^tpd_[A-Z2-7]{32}$`).MatchString(secret.Reveal()) || made.Hint != secret.Reveal()[32:] {
		t.Errorf("token %q, hint %q", secret.Reveal(), made.Hint)
	}
	found, err := k.engine.FindToken(root(t0), billing.TokenHash(secret))
	k.ok(err)
	if found.Customer != billing.Customer(10) || found.Login != "token:crm" || found.Blocked != 0 || made.Top != billing.Customer(10) {
		t.Errorf("%+v of %+v", found, made)
	}
	k.wantAudits("add", `A tokens:id=1 {"name":"crm","i_customer":"10"}`)
	for _, bad := range []struct {
		name     string
		customer int64
		want     billing.Code
	}{
		{"crm", 10, billing.Exists}, {"", 10, billing.Invalid}, {"a\nb", 10, billing.Invalid}, {"x", 99, billing.NotFound},
		{string(make([]byte, 129)), 10, billing.Invalid}, {billing.AdminToken, 1, billing.Invalid},
	} {
		_, secret, err := k.engine.AddToken(root(t0), billing.Customer(bad.customer), bad.name)
		if billing.ErrorCode(err) != bad.want || secret != "" {
			t.Errorf("%q of %d: %v, %q", bad.name, bad.customer, err, secret.Reveal())
		}
	}
	_, _, err = k.engine.AddToken(root(t0), billing.Root, "crm") // another customer's name
	k.ok(err)

	// A block of the customer is told with the token.
	k.ok(k.engine.BlockOwner(root(t0), billing.Customer(10), true))
	found, err = k.engine.FindToken(root(t0), billing.TokenHash(secret))
	k.ok(err)
	if found.Blocked != billing.BlockOperator {
		t.Errorf("blocked: %+v", found)
	}
	k.ok(k.engine.BlockOwner(root(t0), billing.Customer(10), false))

	// A customer sees and stops its own.
	acme := billing.WithActor(root(t0), billing.Actor{Login: "acme", Customer: billing.Customer(10), API: "test"})
	list, err := k.engine.Tokens(acme)
	k.ok(err)
	if len(list) != 1 || list[0].ID != made.ID {
		t.Errorf("%+v", list)
	}
	if _, err := k.engine.RevokeToken(acme, 2); billing.ErrorCode(err) != billing.NotFound {
		t.Errorf("root's token: %v", err)
	}
	k.audits()
	for range 2 {
		stopped, err := k.engine.RevokeToken(root(t0), made.ID)
		k.ok(err)
		if stopped.RevokedAt.IsZero() {
			t.Error("not revoked")
		}
	}
	k.wantAudits("revoke", `D tokens:id=1`)
	if err := k.token(secret); billing.ErrorCode(err) != billing.NotFound {
		t.Errorf("a revoked token: %v", err)
	}
	if err := k.token(""); billing.ErrorCode(err) != billing.NotFound {
		t.Errorf("no token: %v", err)
	}
	if list, err = k.engine.Tokens(root(t0)); err != nil || len(list) != 2 {
		t.Errorf("%+v %v", list, err)
	}
}

// The setting's token is one: another value takes the place of the earlier one, and
// the earlier one may come back.
func TestEnsureToken(t *testing.T) {
	k := newKit(t)
	k.seed("tok_ok")
	k.audits()
	const a, b = "operators-own-token-number-1", "operators-own-token-number-2"
	for _, secret := range []billing.Secret{a, a, b, a} {
		k.ok(k.engine.EnsureToken(root(t0), secret))
		for _, each := range []billing.Secret{a, b} {
			if err := k.token(each); (err == nil) != (each == secret) {
				t.Errorf("with %s, %s: %v", secret.Reveal(), each.Reveal(), err)
			}
		}
	}
	k.wantAudits("three tokens", `A tokens:id=1 {"name":"TOPUPD_ADMIN_TOKEN","i_customer":"1"}`,
		`D tokens:id=1`, `A tokens:id=2 {"name":"TOPUPD_ADMIN_TOKEN","i_customer":"1"}`,
		`D tokens:id=2`, `A tokens:id=3 {"name":"TOPUPD_ADMIN_TOKEN","i_customer":"1"}`)
	if err := k.engine.EnsureToken(root(t0), "short-of-twenty-four-xy"); billing.ErrorCode(err) != billing.Invalid {
		t.Error(err)
	}
	// A person's revocation holds until the server is started with the setting again.
	_, err := k.engine.RevokeToken(root(t0), 3)
	k.ok(err)
	if k.token(a) == nil {
		t.Error("revoked, and works")
	}
	k.ok(k.engine.EnsureToken(root(t0), a))
	k.ok(k.token(a))
}
