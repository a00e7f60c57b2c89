package cli

import "fmt"

// migrateCmd brings the schema up to date.
type migrateCmd struct{}

// Run migrates; a schema that is up to date stays as it is.
func (*migrateCmd) Run(a *app) error {
	o, err := a.open(opening{migrate: true, create: true})
	if err != nil {
		return err
	}
	defer o.close()
	fmt.Fprintln(a.out, "migrate: the schema is up to date")
	return nil
}
