package billing

import (
	"crypto/rand"
	"crypto/sha256"
	"time"
)

// Token is a bearer token of a customer, Root's for operators. The token itself is
// told once, when it is made.
type Token struct {
	ID       TokenID
	Top      OwnerID
	Customer OwnerID
	// Name says what it is for; of a customer's tokens that work no two share one.
	Name string
	// Hash is the token's SHA-256.
	Hash []byte
	// Hint is the token's last characters, so that a person finds it again.
	Hint      string
	CreatedAt time.Time
	// RevokedAt: it does not work any more, for good.
	RevokedAt time.Time
}

// Login names the token in logs and audit rows. No login is called so: a login's
// name has no colon.
func (t *Token) Login() string { return "token:" + t.Name }

const (
	tokenPrefix  = "tpd_"
	tokenRandom  = 32
	tokenHint    = 4
	maxTokenName = 128
)

// NewToken is a random token: 160 bits, which need no slow hash.
func NewToken() Secret { return Secret(tokenPrefix + (rand.Text() + rand.Text())[:tokenRandom]) }

// TokenHash is what is kept of a token.
func TokenHash(token Secret) [sha256.Size]byte { return sha256.Sum256([]byte(token.Reveal())) }

func hintOfToken(token Secret) string {
	text := token.Reveal()
	return text[max(0, len(text)-tokenHint):]
}

// TokenReader reads bearer tokens.
type TokenReader interface {
	Token(TokenID) (Token, error)
	// TokenByHash and TokenNamed find one that works.
	TokenByHash(hash []byte) (Token, error)
	TokenNamed(customer OwnerID, name string) (Token, error)
	// Tokens lists all, revoked ones too.
	Tokens() ([]Token, error)
}

// TokenWriter writes bearer tokens.
type TokenWriter interface {
	// PutToken inserts or replaces. Errors: Exists (field "name" or "hash"), Conflict
	// for one that was revoked.
	PutToken(*Token) error
}
