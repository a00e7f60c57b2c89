package billing

import (
	"bytes"
	"errors"
	"time"
	"unicode/utf8"
)

// TokenLine is a bearer token to import, as an export with secrets wrote it.
type TokenLine struct {
	ID       TokenID
	Customer OwnerID
	Name     Change[string]
	Hash     Change[Secret] // SHA-256 of the token, hexadecimal
	Hint     Change[string]
	Created  Change[time.Time]
}

// Token puts one token. A line for one that is there changes its name; another token
// is never put in its place, and one that was revoked stays so.
func (im *Importer) Token(l TokenLine) (err error) {
	defer counted(&im.done.tokens, &err)
	if l.ID < 1 {
		return Errorf(Invalid, "id", "ids are above 0")
	}
	owner, err := im.u.owner(l.Customer)
	if err != nil {
		return wrongOwner(l.Customer, err)
	}
	t, err := im.u.tx.Token(l.ID)
	isNew := errors.Is(err, NotFound)
	switch {
	case isNew:
		t = Token{ID: l.ID, Top: owner.Top, Customer: l.Customer, CreatedAt: im.u.now}
		if !l.Name.Given || !l.Hash.Given {
			return Errorf(Missing, "token_hash", "a new token needs name and token_hash")
		}
	case err != nil:
		return err
	case t.Customer != l.Customer:
		return Errorf(Conflict, "id", "token %d belongs to %s", l.ID, t.Customer)
	}
	if l.Hash.Given {
		hash, err := hashLine(l.Hash, "token_hash")
		if err != nil {
			return err
		}
		if !isNew && !bytes.Equal(hash, t.Hash) {
			return Errorf(Conflict, "token_hash", "token %d is another one", l.ID)
		}
		t.Hash = hash
	}
	if !t.RevokedAt.IsZero() {
		return nil
	}
	set(&t.Name, l.Name)
	set(&t.Hint, l.Hint)
	set(&t.CreatedAt, l.Created)
	switch {
	case t.Name == "" || utf8.RuneCountInString(t.Name) > maxTokenName || !printableText(t.Name):
		return Errorf(Invalid, "name", "1 to %d characters, in one line", maxTokenName)
	case len(t.Hint) > tokenHint:
		return Errorf(Invalid, "hint", "at most %d characters", tokenHint)
	}
	if err := im.u.tx.PutToken(&t); err != nil {
		return tokenClash(err, t.Name)
	}
	return nil
}
