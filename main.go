// Topupd keeps prepaid telephony balances and refills them from payment cards.
//
// This file builds the parts and wires them; it decides nothing.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"runtime/debug"
	"strconv"
	"syscall"
	"time"
	_ "time/tzdata" // zones on machines that have no files of them

	"github.com/rs/zerolog"

	"topupd/billing"
	"topupd/billing/gateway/guard"
	"topupd/billing/gateway/hook"
	"topupd/billing/gateway/sandbox"
	"topupd/billing/gateway/stripe"
	"topupd/billing/hub"
	maillog "topupd/billing/mailer/log"
	"topupd/billing/mailer/smtp"
	"topupd/billing/seal"
	"topupd/cron"
	"topupd/db"
	"topupd/methods"
	"topupd/methods/jsonl"
	"topupd/methods/poolplan"
	"topupd/methods/profiles"
	"topupd/methods/sippy"
	"topupd/methods/subscription"
	"topupd/methods/tmf654"
	"topupd/methods/xmlrpc"
	"topupd/server"
	"topupd/server/cli"
)

// version is set when a release is built.
var version = "dev"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	// A second signal ends the process at once.
	context.AfterFunc(ctx, stop)
	os.Exit(cli.Main(ctx, parts(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

func parts() cli.Parts {
	return cli.Parts{
		Version:    version,
		Revision:   revision(),
		OpenStore:  openStore,
		Copy:       copyDatabase,
		LockServe:  lockServe,
		Keys:       keys,
		Gateways:   gateways,
		Mailer:     mailer,
		Courier:    courier,
		Events:     tmf654.Events,
		Mounts:     mounts,
		Interfaces: mountable,
		Clock:      clock,
		Import:     importLines,
		Spool:      spool,
		Export:     export,
	}
}

func revision() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				return s.Value
			}
		}
	}
	return "unknown"
}

func openStore(ctx context.Context, address string, migrate, create bool) (billing.Store, error) {
	store, err := db.Open(ctx, address, db.Options{Migrate: migrate, Existing: !create})
	if err != nil {
		return nil, err
	}
	return store, nil
}

// copyDatabase opens both sides; the source keeps its schema, which must be this program's.
func copyDatabase(ctx context.Context, from, to string, progress func(int64)) (res cli.CopyResult, err error) {
	source, err := db.Open(ctx, from, db.Options{Existing: true})
	if err != nil {
		return res, fmt.Errorf("--from: %w", err)
	}
	defer source.Close()
	target, err := db.Open(ctx, to, db.Options{})
	if err != nil {
		return res, fmt.Errorf("--to: %w", err)
	}
	defer func() { err = errors.Join(err, target.Close()) }()
	copied, err := db.Copy(ctx, source, target, progress)
	if err != nil {
		return res, err
	}
	for _, t := range copied.Tables {
		res.Tables = append(res.Tables, cli.CopiedTable{Name: t.Table, Rows: t.Rows})
	}
	res.Balances = copied.Balances
	return res, nil
}

func lockServe(address string) (func() error, error) {
	lock, err := db.LockServe(address)
	if err != nil {
		return nil, err
	}
	return lock.Release, nil
}

// keyFile is beside the database.
const keyFile = ".key"

func keys(c *cli.Config, fresh func() error) (billing.KeyRing, error) {
	if c.Key != "" {
		return seal.ParseRing(c.Key.Reveal())
	}
	return seal.OpenFile(c.DB+keyFile, fresh)
}

func gateways(c *cli.Config, paused func(gateway string, paused bool)) ([]billing.Gateway, error) {
	list := make([]billing.Gateway, len(c.Gateways))
	for i, name := range c.Gateways {
		g, err := gateway(c, name)
		if err != nil {
			return nil, err
		}
		list[i] = guard.New(g, paused)
	}
	return list, nil
}

func gateway(c *cli.Config, name string) (billing.Gateway, error) {
	switch name {
	case stripe.Name:
		return stripe.New(stripe.Options{
			Key: c.StripeKey, URL: c.StripeURL, Timeout: c.Engine.GatewayTimeout,
			// A confirmation may start as late as its turn and its payment's making
			// take, and is over when its time-out is, and some more.
			InFlight: 2*c.Engine.GatewayTimeout + 12*time.Second,
		})
	case hook.Name:
		return hook.New(hook.Options{URL: c.HookURL, Secret: c.HookSecret})
	default:
		return sandbox.New(), nil // the settings allow no other
	}
}

// webhooks are what gateways tell on their own, each at its address.
func webhooks(e *billing.Engine, c *cli.Config) ([]cli.Mount, error) {
	var list []cli.Mount
	for _, name := range c.Gateways {
		g, err := gateway(c, name)
		if err != nil {
			return nil, err
		}
		sink := func(ctx context.Context, ev billing.GatewayEvent) error {
			server.Note(ctx, "event", string(ev.Kind))
			actor := billing.Actor{Customer: billing.Root, API: name}
			return e.GatewayEvent(billing.WithActor(ctx, actor), name, ev)
		}
		switch g := g.(type) {
		case *stripe.Gateway:
			if c.StripeWebhook != "" {
				h := g.Webhook(c.StripeWebhook, sink, server.NoteError)
				list = append(list, cli.Mount{Pattern: "/webhooks/stripe", Handler: h, Access: server.Open})
			}
		case *hook.Gateway:
			h := g.Webhook(sink, server.NoteError)
			list = append(list, cli.Mount{Pattern: "/webhooks/hook", Handler: h, Access: server.Open})
		}
	}
	return list, nil
}

func mailer(c *cli.Config, log zerolog.Logger) (billing.Mailer, error) {
	if c.SMTP == "" {
		return maillog.New(log), nil
	}
	return smtp.New(c.SMTP.Reveal(), c.MailFrom)
}

func courier(c *cli.Config) billing.Courier {
	return hub.New(hub.Options{AllowPrivate: c.HubAllowPrivate})
}

func mounts(e *billing.Engine, c *cli.Config, _ zerolog.Logger) ([]cli.Mount, error) {
	methods := sippy.Methods(e, sippy.Options{Log: noteIgnored})
	h, err := xmlrpc.NewHandler(methods, xmlrpc.Options{Fault: fault, Observe: observe})
	if err != nil {
		return nil, err
	}
	hooks, err := webhooks(e, c)
	return append(hooks,
		cli.Mount{Pattern: "POST /xmlapi/xmlapi", Handler: h, Access: server.XMLRPC, TooMany: tooMany},
		cli.Mount{Pattern: "POST /RPC2", Handler: h, Access: server.XMLRPC, TooMany: tooMany},
	), err
}

// interfaces are the REST interfaces, in alphabetical order.
func interfaces(e *billing.Engine, c *cli.Config) []methods.Interface {
	return []methods.Interface{
		poolplan.New(e, poolplan.Options{Log: noteRefusal, Statuses: c.PoolPlanStatuses}),
		profiles.New(e, profiles.Options{Failed: server.NoteError}),
		subscription.New(e, subscription.Options{Failed: server.NoteError}),
		tmf654.New(e, tmf654.Options{Failed: server.NoteError, DeclinedCreated: c.DeclinedCreated}),
	}
}

// noteRefusal puts why a call was refused into its log line.
func noteRefusal(ctx context.Context, err error) {
	if billing.ErrorCode(err) == billing.Internal {
		server.NoteError(ctx, err)
		return
	}
	server.Note(ctx, "refused", err.Error())
}

// mountable are the interfaces as the server knows them.
func mountable(e *billing.Engine, c *cli.Config) []server.Interface {
	var list []server.Interface
	for _, i := range interfaces(e, c) {
		list = append(list, mountableOne(i))
	}
	return list
}

func mountableOne(i methods.Interface) server.Interface {
	one := server.Interface{Name: i.Name, OpenAPI: i.OpenAPI, Refuse: i.Refuse}
	for _, r := range i.Routes {
		one.Routes = append(one.Routes, server.Route{Pattern: r.Pattern, Handler: r.Handler, Use: r.Use, OwnKeys: r.OwnKeys})
	}
	return one
}

func clock(jobs []cli.Job, location *time.Location, log cli.JobLog) (cli.Clock, error) {
	list := make([]cron.Job, len(jobs))
	for i, j := range jobs {
		list[i] = cron.Job{
			Name: j.Name, Spec: j.Spec, Setting: j.Setting, Daily: j.Daily, Last: j.Last,
			Run: func(ctx context.Context, f cron.Firing) error { return j.Run(ctx, f.Key) },
		}
	}
	return cron.New(list, cron.Options{
		Location: location,
		Log: func(job string, f cron.Firing, err error, took time.Duration) {
			log(job, f.Key, err, took)
		},
	})
}

func importLines(ctx context.Context, e *billing.Engine, in cli.ImportInput) (map[string]int64, error) {
	return jsonl.Import(ctx, e, jsonl.ImportOptions{
		Source: in.Source, Name: in.Name, Hold: in.Hold, Progress: in.Progress,
	})
}

func spool(r io.Reader) (io.ReadSeeker, func(), error) { return jsonl.Spool(r) }

func export(ctx context.Context, e *billing.Engine, w io.Writer, o cli.ExportOptions) error {
	return jsonl.Export(ctx, e, w, jsonl.ExportOptions{Realm: o.Realm, Secrets: o.Secrets, Progress: o.Progress, Warn: o.Warn})
}

// noteIgnored puts the names of a call's ignored members into its log line.
func noteIgnored(ctx context.Context, _ string, names []string) {
	text := ""
	for i, name := range names {
		if i > 0 {
			text += ","
		}
		text += name
	}
	server.Note(ctx, "ignored", text)
}

// fault maps an error of a method; one of our own goes to the request's log line.
func fault(ctx context.Context, _ string, err error) xmlrpc.Fault {
	f := sippy.Fault(err)
	if billing.ErrorCode(err) == billing.Internal && f.Code == xmlrpc.CodeFatal {
		server.NoteError(ctx, err)
	}
	return f
}

// tooMany is a fault like all others of XML-RPC, with status 200: clients read nothing
// else.
func tooMany(w http.ResponseWriter, r *http.Request) {
	server.Note(r.Context(), "code", "429")
	w.Header().Set("Content-Type", "text/xml")
	w.Write(xmlrpc.AppendFault(nil, xmlrpc.Fault{Code: 429, String: "too many requests, try again later"})) // the client may be gone
}

// observe puts a call's method and fault into the request's log line and metrics.
func observe(ctx context.Context, method string, f *xmlrpc.Fault, _ time.Duration) {
	code := ""
	if f != nil {
		code = strconv.Itoa(f.Code)
	}
	server.Note(ctx, "method", method)
	server.Note(ctx, "code", code) // the last word, of the whole of a multicall, is its own
}
