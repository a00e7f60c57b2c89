package billing

import "time"

// Login is an API login; it belongs to a customer, Root for operators.
type Login struct {
	Name     string
	Customer OwnerID
	// HA1 is MD5(name:realm:password), sealed: it is as good as the password.
	// Empty: no password was set yet, nobody gets in.
	HA1 []byte
	// Realm is what HA1 was made for; another realm setting makes it unusable.
	Realm string
	// Disabled: a person stopped it, and a person lets it in again.
	Disabled  bool
	CreatedAt time.Time
	UpdatedAt time.Time
}
