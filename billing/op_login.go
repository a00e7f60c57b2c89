package billing

import (
	"context"
	"crypto/md5"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"strconv"
	"strings"
)

// Credential is a login as authentication needs it.
type Credential struct {
	Login    string
	Customer OwnerID
	HA1      Secret // MD5(name:realm:password), lower-case hex
	// Blocked is why its customer, or one above it, is blocked: it gets in, and may
	// do little (Actor.May).
	Blocked Block
}

// Credential finds an enabled login whose password was set for the realm in
// force. Errors: NotFound.
func (e *Engine) Credential(ctx context.Context, name string) (Credential, error) {
	var l Login
	var blocked Block
	err := e.view(ctx, func(r Reader) (err error) {
		if l, err = r.Login(name); errors.Is(err, Invalid) {
			return Errorf(NotFound, "login", "there is no such login") // nobody has a name that cannot be kept
		} else if err != nil {
			return err
		}
		blocked, err = blockedFor(r, l.Customer)
		return err
	})
	if err != nil {
		return Credential{}, err
	}
	if l.Disabled || l.Realm != e.set.Realm || len(l.HA1) == 0 {
		return Credential{}, Errorf(NotFound, "login", "there is no such login")
	}
	secret, err := e.sealer.Open(l.HA1, loginAAD(name))
	if err != nil {
		return Credential{}, &Error{Code: Internal, Message: "a login cannot be opened with this key", Err: err}
	}
	return Credential{Login: l.Name, Customer: l.Customer, HA1: secret, Blocked: blocked}, nil
}

// blockedFor is why a customer, or one above it, is blocked.
func blockedFor(r Reader, customer OwnerID) (Block, error) {
	if customer == Root {
		return 0, nil
	}
	o, err := r.Owner(customer)
	if err != nil {
		return 0, err
	}
	above, _, err := r.Above(o)
	return o.Blocked | above, err
}

func loginAAD(name string) string { return "login:" + name }

// maxLogin bounds a login's name.
const maxLogin = 128

// AddLogin makes a login for a customer (Root for operators). Errors: Exists,
// NotFound, Invalid.
func (e *Engine) AddLogin(ctx context.Context, name string, customer OwnerID, password Secret) error {
	return e.update(ctx, func(u *unitOfWork) error {
		if _, err := u.judged(customer); err != nil {
			return err
		}
		if _, err := u.tx.Login(name); !errors.Is(err, NotFound) {
			if err != nil {
				return err
			}
			return Errorf(Exists, "login", "the login %s is there already", name)
		}
		if err := u.putLogin(name, customer, password); err != nil {
			return err
		}
		return u.auditLogin(AuditAdd, name, newAudit().set("i_customer", strconv.FormatInt(customer.Number(), 10)))
	})
}

// auditLogin writes the row of a login, which is its customer's.
func (u *unitOfWork) auditLogin(a AuditAction, name string, info *auditInfo) error {
	l, err := u.login(name)
	if err != nil {
		return err
	}
	o, err := u.tx.Owner(l.Customer)
	if err != nil {
		return err
	}
	return u.audit(a, o.Top, "logins:web_login="+name, info)
}

// SetPassword replaces a login's password, for the realm in force. A login that
// was disabled stays so, and the result says it: somebody stopped it for a
// reason that a new password does not take away. Errors: NotFound, Invalid.
func (e *Engine) SetPassword(ctx context.Context, name string, password Secret) (disabled bool, err error) {
	err = e.update(ctx, func(u *unitOfWork) error {
		l, err := u.login(name)
		if err != nil {
			return err
		}
		disabled = l.Disabled
		if err := u.putLogin(name, l.Customer, password); err != nil {
			return err
		}
		return u.auditLogin(AuditPassword, name, nil)
	})
	return disabled, err
}

// EnsureLogin makes or updates a root login (TOPUPD_ADMIN_USER) and enables it:
// whoever sets the server up wants to get in.
func (e *Engine) EnsureLogin(ctx context.Context, name string, password Secret) error {
	return e.update(ctx, func(u *unitOfWork) error {
		was, err := u.tx.Login(name)
		isNew := errors.Is(err, NotFound)
		if err != nil && !isNew {
			return err
		}
		if err := u.putLogin(name, Root, password); err != nil {
			return err
		}
		switch {
		case isNew:
			err = u.auditLogin(AuditAdd, name, newAudit().set("i_customer", "1"))
		case !u.hasPassword(&was, password):
			err = u.auditLogin(AuditPassword, name, nil)
		default: // every start of a server comes here
			err = nil
		}
		if err != nil {
			return err
		}
		return u.disable(name, false)
	})
}

// FirstLogin makes a root login in a database that has none, and reports whether it did:
// of servers that start together one does.
func (e *Engine) FirstLogin(ctx context.Context, name string, password Secret) (made bool, err error) {
	err = e.update(ctx, func(u *unitOfWork) error {
		made = false
		logins, err := u.tx.Logins()
		if err != nil || len(logins) > 0 {
			return err
		}
		made = true
		if err := u.putLogin(name, Root, password); err != nil {
			return err
		}
		return u.auditLogin(AuditAdd, name, newAudit().set("i_customer", "1"))
	})
	return made && err == nil, err
}

// hasPassword reports whether a login is usable with a password as it is.
func (u *unitOfWork) hasPassword(l *Login, password Secret) bool {
	if len(l.HA1) == 0 || l.Realm != u.e.set.Realm {
		return false
	}
	hash, err := u.e.sealer.Open(l.HA1, loginAAD(l.Name))
	return err == nil && hash == ha1(l.Name, l.Realm, password.Reveal())
}

// DisableLogin stops a login until EnableLogin. Errors: NotFound.
func (e *Engine) DisableLogin(ctx context.Context, name string) error {
	return e.update(ctx, func(u *unitOfWork) error { return u.disable(name, true) })
}

// EnableLogin lets a disabled login in again, with the password that it has.
// Errors: NotFound.
func (e *Engine) EnableLogin(ctx context.Context, name string) error {
	return e.update(ctx, func(u *unitOfWork) error { return u.disable(name, false) })
}

func (u *unitOfWork) disable(name string, disabled bool) error {
	l, err := u.login(name)
	if err != nil || l.Disabled == disabled {
		return err
	}
	l.Disabled, l.UpdatedAt = disabled, u.now
	if err := u.tx.PutLogin(&l); err != nil {
		return err
	}
	return u.auditLogin(AuditUpdate, name, newAudit().flag("disabled", !disabled, disabled))
}

// Logins lists the logins of the actor's scope.
func (e *Engine) Logins(ctx context.Context) (logins []Login, err error) {
	err = e.view(ctx, func(r Reader) error {
		all, err := r.Logins()
		if err != nil {
			return err
		}
		logins = nil
		for _, l := range all {
			o, err := r.Owner(l.Customer)
			if err != nil {
				return err
			}
			if a := ActorFrom(ctx); a.Sees(&o) {
				logins = append(logins, l)
			}
		}
		return nil
	})
	return logins, err
}

func (u *unitOfWork) login(name string) (Login, error) {
	l, err := u.tx.Login(name)
	if errors.Is(err, NotFound) {
		return l, Errorf(NotFound, "login", "there is no login %s", name)
	}
	return l, err
}

// putLogin makes or replaces a login; the password is kept only as sealed HA1.
func (u *unitOfWork) putLogin(name string, customer OwnerID, password Secret) error {
	if password == "" {
		return Errorf(Invalid, "password", "a password is not empty")
	}
	return u.putLoginHash(name, customer, ha1(name, u.e.set.Realm, password.Reveal()))
}

func (u *unitOfWork) putLoginHash(name string, customer OwnerID, hash Secret) error {
	if err := checkLogin(name); err != nil {
		return err
	}
	sealed, err := u.e.sealer.Seal(hash, loginAAD(name))
	if err != nil {
		return sealFault("", err)
	}
	l, err := u.tx.Login(name)
	if errors.Is(err, NotFound) {
		l = Login{Name: name, CreatedAt: u.now}
	} else if err != nil {
		return err
	}
	if l.Customer != 0 && l.Customer != customer {
		return Errorf(Exists, "login", "the login %s belongs to %s", name, l.Customer)
	}
	l.Customer, l.HA1, l.Realm, l.UpdatedAt = customer, sealed, u.e.set.Realm, u.now
	return u.tx.PutLogin(&l)
}

func checkLogin(name string) error {
	if name == "" || len(name) > maxLogin || strings.ContainsAny(name, ":\"\\\r\n\x00") {
		return Errorf(Invalid, "login", "1 to %d characters without colon, quote, backslash or line break", maxLogin)
	}
	return nil
}

// NewPassword is a random password of 26 letters and digits.
func NewPassword() Secret { return Secret(rand.Text()) }

// ha1 is the Digest password hash of RFC 2617.
func ha1(user, realm, password string) Secret {
	h := md5.Sum([]byte(user + ":" + realm + ":" + password))
	return Secret(hex.EncodeToString(h[:]))
}
