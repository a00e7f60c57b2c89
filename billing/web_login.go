package billing

import (
	"errors"
	"unicode/utf8"
)

// MinPassword is the least length of a password that a panel sets, in characters. What
// an operator imports or types is the operator's.
const MinPassword = 6

// webLogin changes a customer's web_login, its API password, and whether it gets
// in. A login that is called otherwise needs a password: what is kept of one is
// made of both.
func (u *unitOfWork) webLogin(o *Owner, l OwnerLine, access Change[bool]) error {
	logins, err := u.tx.LoginsOf(o.ID)
	if err != nil {
		return err
	}
	name := ""
	if len(logins) > 0 {
		name = logins[0].Name
	}
	if l.Login.Given {
		wanted, err := l.Login.required("web_login")
		if err != nil {
			return err
		}
		if name, err = u.renameLogin(o, name, wanted, l.Password.Given); err != nil {
			return err
		}
	}
	switch {
	case name == "" && l.Password.Given:
		return Errorf(Missing, "web_login", "api_password needs web_login")
	case name == "":
		return nil // access of nobody
	case l.Password.Given:
		password, err := l.Password.required("api_password")
		if err != nil {
			return err
		}
		if utf8.RuneCountInString(password.Reveal()) < MinPassword {
			return Errorf(Invalid, "api_password", "a password has at least %d characters", MinPassword)
		}
		_, before := u.tx.Login(name)
		if err := u.putLogin(name, o.ID, password); err != nil {
			return loginField(err)
		}
		action := AuditPassword
		if errors.Is(before, NotFound) {
			action = AuditAdd
		}
		if err := u.auditLogin(action, name, nil); err != nil {
			return err
		}
	}
	if !access.Given {
		return nil
	}
	on, err := access.required("api_access")
	if err != nil {
		return err
	}
	all, err := u.tx.LoginsOf(o.ID)
	if err != nil {
		return err
	}
	for _, login := range all { // one that stays open would be a way round
		if err := u.disable(login.Name, !on); err != nil {
			return err
		}
	}
	return nil
}

// renameLogin returns the login that is to go on: the one that is there, or a
// new one in its place.
func (u *unitOfWork) renameLogin(o *Owner, name, wanted string, password bool) (string, error) {
	if wanted == name && name != "" {
		return name, nil
	}
	other, err := u.tx.Login(wanted)
	switch {
	case err == nil && other.Customer != o.ID:
		return "", Errorf(Exists, "web_login", "the login is taken")
	case err == nil:
		return wanted, nil
	case !errors.Is(err, NotFound):
		return "", err
	case !password && name != "":
		return "", Errorf(Missing, "api_password", "another web_login needs the api_password again")
	case !password:
		if err := checkLogin(wanted); err != nil {
			return "", loginField(err)
		}
		if err := u.tx.PutLogin(&Login{Name: wanted, Customer: o.ID, Realm: u.e.set.Realm, CreatedAt: u.now, UpdatedAt: u.now}); err != nil {
			return "", err
		}
		return wanted, u.auditLogin(AuditAdd, wanted, nil)
	case name != "":
		if err := u.auditLogin(AuditDelete, name, nil); err != nil {
			return "", err
		}
		return wanted, u.tx.DropLogin(name)
	}
	return wanted, nil
}

// loginField gives an error about a login's name the name of its member.
func loginField(err error) error {
	if ErrorField(err) == "login" {
		return &Error{Code: ErrorCode(err), Field: "web_login", Message: err.Error()}
	}
	return err
}
