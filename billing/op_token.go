package billing

import (
	"bytes"
	"context"
	"errors"
	"strconv"
	"unicode/utf8"
)

// AdminToken is the name of the root token that the settings bring; nobody else
// makes one of that name.
const AdminToken = "TOPUPD_ADMIN_TOKEN"

// MinAdminToken is the least length of a token that a person chose.
const MinAdminToken = 24

// AddToken makes a token for a customer (Root for operators). The secret is told only
// here. Errors: NotFound, Invalid, Exists.
func (e *Engine) AddToken(ctx context.Context, customer OwnerID, name string) (t Token, secret Secret, err error) {
	if err := checkTokenName(name); err != nil {
		return Token{}, "", err
	}
	secret = NewToken()
	err = e.update(ctx, func(u *unitOfWork) (err error) {
		t, err = u.addToken(customer, name, secret)
		return err
	})
	if err != nil {
		return Token{}, "", err
	}
	return t, secret, nil
}

func checkTokenName(name string) error {
	if name == "" || utf8.RuneCountInString(name) > maxTokenName || !printableText(name) {
		return Errorf(Invalid, "name", "1 to %d characters, in one line", maxTokenName)
	}
	if name == AdminToken {
		return Errorf(Invalid, "name", "%s is the token of the setting", AdminToken)
	}
	return nil
}

func (u *unitOfWork) addToken(customer OwnerID, name string, secret Secret) (Token, error) {
	j, err := u.judged(customer)
	if err != nil {
		return Token{}, err
	}
	hash := TokenHash(secret)
	t := Token{Top: j.Owner.Top, Customer: customer, Name: name, Hash: hash[:], Hint: hintOfToken(secret), CreatedAt: u.now}
	if err := u.tx.PutToken(&t); err != nil {
		return Token{}, tokenClash(err, name)
	}
	return t, u.auditToken(AuditAdd, &t, newAudit().set("name", name).set("i_customer", strconv.FormatInt(customer.Number(), 10)))
}

func tokenClash(err error, name string) error {
	switch {
	case !errors.Is(err, Exists):
		return err
	case ErrorField(err) == "name":
		return Errorf(Exists, "name", "there is a token %s already", name)
	default:
		return Errorf(Exists, "token", "another token is the same")
	}
}

func (u *unitOfWork) auditToken(a AuditAction, t *Token, info *auditInfo) error {
	return u.audit(a, t.Top, auditKey("tokens", "id", int64(t.ID)), info)
}

// EnsureToken makes or updates the root token of the settings; an earlier one stops.
// Errors: Invalid, Exists.
func (e *Engine) EnsureToken(ctx context.Context, secret Secret) error {
	if len(secret.Reveal()) < MinAdminToken {
		return Errorf(Invalid, "token", "at least %d characters", MinAdminToken)
	}
	hash := TokenHash(secret)
	return e.update(ctx, func(u *unitOfWork) error {
		was, err := u.tx.TokenNamed(Root, AdminToken)
		switch {
		case err == nil && bytes.Equal(was.Hash, hash[:]):
			return nil // every start of a server comes here
		case err == nil:
			if err := u.revokeToken(&was); err != nil {
				return err
			}
		case !errors.Is(err, NotFound):
			return err
		}
		_, err = u.addToken(Root, AdminToken, secret)
		return err
	})
}

// RevokeToken stops a token for good. Errors: NotFound.
func (e *Engine) RevokeToken(ctx context.Context, id TokenID) (t Token, err error) {
	err = e.update(ctx, func(u *unitOfWork) error {
		t, err = u.tx.Token(id)
		if err == nil {
			_, err = u.owner(t.Customer)
		}
		switch {
		case errors.Is(err, NotFound):
			return Errorf(NotFound, "token", "there is no token %d", id)
		case err != nil || !t.RevokedAt.IsZero():
			return err
		}
		return u.revokeToken(&t)
	})
	return t, err
}

func (u *unitOfWork) revokeToken(t *Token) error {
	t.RevokedAt = u.now
	if err := u.tx.PutToken(t); err != nil {
		return err
	}
	return u.auditToken(AuditDelete, t, nil)
}

// Tokens lists the tokens of the actor's scope, revoked ones too.
func (e *Engine) Tokens(ctx context.Context) (tokens []Token, err error) {
	err = e.view(ctx, func(r Reader) error {
		all, err := r.Tokens()
		if err != nil {
			return err
		}
		tokens = nil
		for _, t := range all {
			o, err := r.Owner(t.Customer)
			if err != nil {
				return err
			}
			if a := ActorFrom(ctx); a.Sees(&o) {
				tokens = append(tokens, t)
			}
		}
		return nil
	})
	return tokens, err
}

// FindToken finds a token that works, by its hash, as authentication needs it.
// Errors: NotFound.
func (e *Engine) FindToken(ctx context.Context, hash [32]byte) (c Credential, err error) {
	err = e.view(ctx, func(r Reader) error {
		t, err := r.TokenByHash(hash[:])
		if err != nil {
			return err
		}
		c = Credential{Login: t.Login(), Customer: t.Customer}
		c.Blocked, err = blockedFor(r, t.Customer)
		return err
	})
	return c, err
}
