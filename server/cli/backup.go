package cli

import (
	"fmt"
	"os"
)

// backupCmd copies the database.
type backupCmd struct {
	File string `arg:"" help:"File to write; it must not be there."`
}

// Run writes a consistent copy.
func (c *backupCmd) Run(a *app) error {
	if _, err := os.Lstat(c.File); err == nil {
		return wrong("FILE", c.File, "a file that is not there yet")
	}
	o, err := a.open(opening{})
	if err != nil {
		return err
	}
	defer o.close()
	if err := o.store.Backup(a.ctx, c.File); err != nil {
		return err
	}
	fmt.Fprintf(a.out, "backup: %s; the key is not in it\n", c.File)
	return nil
}
