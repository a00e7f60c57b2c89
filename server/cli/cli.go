package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"topupd/billing"
)

// commands is the command line.
type commands struct {
	Settings `embed:""`

	Serve      serveCmd      `cmd:"" help:"Run the server: interfaces, metrics and the scheduled jobs."`
	Import     importCmd     `cmd:"" help:"Load JSON Lines; all or nothing."`
	Export     exportCmd     `cmd:"" help:"Write everything as JSON Lines."`
	Run        runCmd        `cmd:"" help:"Run a job once, now: decide, charge and mail until nothing is due."`
	Call       callCmd       `cmd:"" help:"Call an XML-RPC method of any server."`
	Thresholds thresholdsCmd `cmd:"" help:"Who has a threshold, who is below it, who is charged next and how much."`
	Charges    chargesCmd    `cmd:"" help:"The history of charges, and why."`
	Runs       runsCmd       `cmd:"" help:"The history of runs."`
	User       userCmd       `cmd:"" help:"API logins."`
	Token      tokenCmd      `cmd:"" help:"Bearer tokens of the REST interfaces."`
	Voucher    voucherCmd    `cmd:"" help:"Vouchers: prepaid amounts that an account redeems once."`
	Events     eventsCmd     `cmd:"" help:"Events and their delivery to subscriptions."`
	Rekey      rekeyCmd      `cmd:"" help:"Seal tokens and logins with a new key."`
	Golive     goliveCmd     `cmd:"" help:"End the hold of an import: jobs may charge and mail."`
	Verify     verifyCmd     `cmd:"" help:"Check the ledger."`
	Backup     backupCmd     `cmd:"" help:"Write a consistent copy of the database while the server runs."`
	Copy       copyCmd       `cmd:"" help:"Bring everything of one database into another, new one."`
	Migrate    migrateCmd    `cmd:"" help:"Bring the database's schema up to date."`
	Version    versionCmd    `cmd:"" help:"Print the version."`
	Completion completionCmd `cmd:"" help:"Print a completion script for a shell."`
}

// exit codes beside 0.
const (
	exitFailed = 1
	exitUsage  = 2
)

// exited is how kong ends after --help.
type exited int

// failed ends a command whose output has said everything already.
type failed struct{}

// Error is not shown.
func (failed) Error() string { return "failed" }

// Main runs one command and returns the exit code of the process.
func Main(ctx context.Context, parts Parts, args []string, in io.Reader, out, errOut io.Writer) (code int) {
	defer func() {
		switch v := recover().(type) {
		case nil:
		case exited:
			code = int(v)
		default:
			panic(v)
		}
	}()
	a := &app{ctx: ctx, parts: parts, in: in, out: out, err: errOut, file: settingsFile{}}
	parser, err := newParser(a)
	if err != nil {
		return a.fail(err, exitFailed)
	}
	parsed, err := parser.Parse(args)
	if setting, ok := errors.AsType[*settingError](err); ok {
		return a.fail(setting, exitFailed)
	}
	if err != nil {
		return a.fail(fmt.Errorf("%s; see topupd --help", usageText(err)), exitUsage)
	}
	if err := parsed.Run(a); err != nil {
		return a.fail(err, exitFailed)
	}
	return 0
}

// usageText is what is wrong with a command line. An argument too many may be
// a password that somebody expected to be one: it is not repeated.
func usageText(err error) string {
	text := oneLine(err.Error())
	if e, ok := errors.AsType[*kong.ParseError](err); ok && strings.HasPrefix(text, "unexpected argument ") && !strings.Contains(text, "did you mean") {
		if at := e.Context.Selected(); at != nil && len(at.Children) == 0 {
			return "one argument too many after " + at.Path()
		}
	}
	return text
}

func newParser(a *app) (*kong.Kong, error) {
	k, err := kong.New(&a.cmd,
		kong.Name("topupd"),
		kong.Description("Prepaid telephony balances, refilled from cards."),
		kong.Writers(a.out, a.err),
		kong.Exit(func(code int) { panic(exited(code)) }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.ExplicitGroups([]kong.Group{{Key: "Settings", Title: "Settings:"}}),
	)
	if err != nil {
		return nil, err
	}
	a.model = k.Model
	load := kong.Configuration(func(r io.Reader) (kong.Resolver, error) { return a.file.load(r, knownSettings(k.Model)) })
	return k, load.Apply(k)
}

// knownSettings are the names that a configuration file may hold.
func knownSettings(m *kong.Application) []string {
	var names []string
	for _, f := range m.Flags {
		if f.Group != nil && f.Group.Key == "Settings" && f.Name != "config" {
			names = append(names, f.Name)
		}
	}
	for _, s := range secretSettings {
		names = append(names, s.key)
	}
	slices.Sort(names)
	return names
}

// fail prints an error in one line and returns the exit code.
func (a *app) fail(err error, code int) int {
	switch {
	case errors.Is(err, failed{}):
	case errors.Is(err, billing.Busy):
		fmt.Fprintln(a.err, oneLine(busyText(err)))
	case errors.Is(err, context.Canceled):
		fmt.Fprintln(a.err, "stopped")
	default:
		fmt.Fprintln(a.err, oneLine(errorText(err)))
	}
	return code
}

// busyText is what everybody is told who comes at a busy time. That a database cannot be
// reached has a cause that whoever runs it wants to see.
func busyText(err error) string {
	const again = "busy, try again"
	if e, ok := errors.AsType[*billing.Error](err); ok && e.Message != "" && e.Message != again {
		return e.Error()
	}
	return again
}

// errorText is the engine's words without the cause below them, which helps
// only where the fault is ours.
func errorText(err error) string {
	text := err.Error()
	if e, ok := errors.AsType[*billing.Error](err); ok && e.Code != billing.Internal && e.Message != "" && e.Err != nil {
		return strings.Replace(text, e.Error(), e.Message, 1)
	}
	return text
}
