package billing

import (
	"context"
	"errors"
)

// LoginNote is what authentication tells the audit log: that a login got in, or how
// often it was refused.
type LoginNote struct {
	// Name is a login that was found. What no login is called is left out: people
	// type passwords where the name goes.
	Name string
	// Address is where it came from; empty for several.
	Address string
	API     string
	// Failures is how often it was refused since the last note; 0: it got in.
	Failures int64
}

// UnknownLogin stands for a name that no login has.
const UnknownLogin = "(unknown)"

// NoteLogins writes a row for each note, AUTH_OK or AUTH_FAIL. Who was refused acted
// as nobody, so such a row has no customer.
func (e *Engine) NoteLogins(ctx context.Context, notes []LoginNote) error {
	return e.update(ctx, func(u *unitOfWork) error {
		for _, n := range notes {
			if err := u.noteLogin(n); err != nil {
				return err
			}
		}
		return nil
	})
}

func (u *unitOfWork) noteLogin(n LoginNote) error {
	top, l := Root, Login{}
	if n.Name != "" {
		var err error
		if l, err = u.tx.Login(n.Name); err != nil && !errors.Is(err, NotFound) {
			return err
		}
	}
	u.actor = Actor{Login: l.Name, Address: n.Address, API: n.API}
	if l.Name == "" { // also one that was dropped meanwhile
		u.actor.Login = UnknownLogin
	} else {
		o, err := u.tx.Owner(l.Customer)
		if err != nil {
			return err
		}
		top = o.Top
	}
	action, info := AuditAuthOK, newAudit().count("failures", n.Failures)
	switch {
	case n.Failures > 0:
		action = AuditAuthFail
	default:
		u.actor.Customer = l.Customer
	}
	return u.audit(action, top, "logins:web_login="+u.actor.Login, info)
}
