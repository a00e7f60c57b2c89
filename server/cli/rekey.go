package cli

import (
	"fmt"
	"strings"

	"topupd/billing"
)

// rekeyCmd changes the key that seals tokens and logins.
type rekeyCmd struct{}

// Help is printed by --help.
func (rekeyCmd) Help() string {
	return "With TOPUPD_KEY=NEW,OLD everything that an older key sealed is sealed with the first one. " +
		"Without TOPUPD_KEY a new key is made in the key file beside the database, and the older one is dropped from it at the end. " +
		"It may be stopped at any moment and run again, also beside a server: one with the same TOPUPD_KEY, or with the same key file."
}

// Run seals anew and says what may be dropped.
func (c *rekeyCmd) Run(a *app) error {
	o, err := a.open(opening{})
	if err != nil {
		return err
	}
	defer o.close()
	keys, err := o.sealer.get()
	if err != nil {
		return err
	}
	show, end := a.progress("values")
	done, err := o.engine.Rekey(as(a.ctx, "cli"), keys, show)
	end()
	if err != nil {
		return err
	}
	fmt.Fprintf(a.out, "rekey: %d card tokens and %d logins were sealed with key %s\n", done.Cards, done.Logins, done.KeyID)
	if done.Hubs > 0 {
		fmt.Fprintf(a.out, "rekey: so were %d secrets of subscriptions\n", done.Hubs)
	}
	fmt.Fprintln(a.out, "rekey: "+keyAdvice(o.cfg, done))
	return nil
}

// keyAdvice says what is left for a person to do with the keys.
func keyAdvice(cfg *Config, done billing.Rekeyed) string {
	switch {
	case done.Dropped:
		return "the key file holds this key alone; keep a copy of it, and the older key for backups made before"
	case !strings.Contains(cfg.Key.Reveal(), ","):
		return "everything is sealed with the one key of " + setKey.variable + "; for a new one, put it in front: NEW,OLD"
	}
	return "everything is sealed with the first key of " + setKey.variable + "; the older ones may be dropped, except for backups made before"
}
