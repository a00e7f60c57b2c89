package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"topupd/billing"
)

// userCmd manages API logins.
type userCmd struct {
	Add     userAddCmd     `cmd:"" help:"Make a login. Its password is the first line of standard input; without one it is made and printed once."`
	List    userListCmd    `cmd:"" help:"List logins."`
	Passwd  userPasswdCmd  `cmd:"" help:"Set a login's password, read or made as by add. A disabled login stays disabled."`
	Disable userDisableCmd `cmd:"" help:"Stop a login."`
	Enable  userEnableCmd  `cmd:"" help:"Let a disabled login in again, with the password that it has."`
}

type userAddCmd struct {
	Name     string `arg:""`
	Customer int64  `placeholder:"N" default:"1" help:"The customer that it belongs to; without it root, which sees and may do everything."`
	Generate bool   `help:"Make the password, do not read standard input."`
}

// Run makes a login.
func (c *userAddCmd) Run(a *app) error {
	customer, err := ownerFlag("--customer", c.Customer, billing.Customer)
	if err != nil {
		return err
	}
	if customer == 0 {
		return wrong("--customer", "0", "a number above 0")
	}
	return a.withPassword(c.Generate, opening{create: true}, func(o *opened, password billing.Secret) (string, error) {
		return fmt.Sprintf("login %s: added for %s", c.Name, customer), o.engine.AddLogin(as(a.ctx, "cli"), c.Name, customer, password)
	})
}

type userPasswdCmd struct {
	Name     string `arg:""`
	Generate bool   `help:"Make the password, do not read standard input."`
}

// Run sets a login's password.
func (c *userPasswdCmd) Run(a *app) error {
	return a.withPassword(c.Generate, opening{}, func(o *opened, password billing.Secret) (string, error) {
		done := fmt.Sprintf("login %s: password set", c.Name)
		disabled, err := o.engine.SetPassword(as(a.ctx, "cli"), c.Name, password)
		if disabled {
			done += "; it stays disabled until topupd user enable"
		}
		return done, err
	})
}

// withPassword reads or makes a password for fn, prints what fn says was done,
// and a password that was made, once it is in force.
func (a *app) withPassword(generate bool, how opening, fn func(*opened, billing.Secret) (done string, err error)) error {
	var password billing.Secret
	if !generate {
		var err error
		if password, err = a.readPassword(); err != nil {
			return err
		}
	}
	made := password == ""
	if made {
		password = billing.NewPassword()
	}
	o, err := a.open(how)
	if err != nil {
		return err
	}
	defer o.close()
	done, err := fn(o, password)
	if err != nil {
		return err
	}
	fmt.Fprintln(a.out, done)
	if made {
		fmt.Fprintln(a.out, "password: "+password.Reveal())
	}
	return nil
}

// readPassword is the first line of standard input; nothing on a terminal,
// where nobody was asked to type one, and at its end.
func (a *app) readPassword() (billing.Secret, error) {
	if isTerminal(a.in) {
		return "", nil
	}
	text, err := bufio.NewReader(io.LimitReader(a.in, 4096)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	return billing.Secret(strings.TrimRight(text, "\r\n")), nil
}

type userListCmd struct {
	format `embed:""`
}

var loginColumns = []string{"login", "i_customer", "state", "created", "updated"}

// Run prints one row for each login.
func (c *userListCmd) Run(a *app) error {
	o, err := a.open(opening{})
	if err != nil {
		return err
	}
	defer o.close()
	logins, err := o.engine.Logins(as(a.ctx, "cli"))
	if err != nil {
		return err
	}
	rows := c.rows(a.out, loginColumns)
	for i := range logins {
		l := &logins[i]
		err := rows.row(row{
			textCell("login", l.Name), intCell("i_customer", l.Customer.Number()), textCell("state", loginState(l, o.cfg)),
			timeCell("created", l.CreatedAt), timeCell("updated", l.UpdatedAt),
		})
		if err != nil {
			return err
		}
	}
	return rows.end()
}

// loginState is why a login works or does not.
func loginState(l *billing.Login, cfg *Config) string {
	switch {
	case l.Disabled:
		return "disabled"
	case len(l.HA1) == 0:
		return "no password"
	case l.Realm != cfg.Engine.Realm:
		return "other realm"
	}
	return "enabled"
}

type userDisableCmd struct {
	Name string `arg:""`
}

// Run stops a login.
func (c *userDisableCmd) Run(a *app) error {
	return a.switchLogin(c.Name, "disabled", (*billing.Engine).DisableLogin)
}

type userEnableCmd struct {
	Name string `arg:""`
}

// Run lets a login in again.
func (c *userEnableCmd) Run(a *app) error {
	return a.switchLogin(c.Name, "enabled", (*billing.Engine).EnableLogin)
}

// switchLogin disables or enables a login and prints its new state.
func (a *app) switchLogin(name, state string, to func(*billing.Engine, context.Context, string) error) error {
	o, err := a.open(opening{})
	if err != nil {
		return err
	}
	defer o.close()
	if err := to(o.engine, as(a.ctx, "cli"), name); err != nil {
		return err
	}
	fmt.Fprintf(a.out, "login %s: %s\n", name, state)
	return nil
}
