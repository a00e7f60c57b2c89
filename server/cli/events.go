package cli

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"topupd/billing"
)

// eventsCmd shows events and sends them again.
type eventsCmd struct {
	List          eventsListCmd          `cmd:"" default:"withargs" help:"List deliveries, newest first."`
	Show          eventsShowCmd          `cmd:"" help:"One event: its deliveries and what receivers get."`
	Resend        eventsResendCmd        `cmd:"" help:"Deliver again: an event, or all that was given up of a subscription; a server does it."`
	Subscriptions eventsSubscriptionsCmd `cmd:"" help:"Who is told of events, and where; without the paths of callbacks."`
	Unsubscribe   eventsUnsubscribeCmd   `cmd:"" help:"End a subscription: what it still waits for is not sent."`
}

type eventsListCmd struct {
	format       `embed:""`
	State        string `placeholder:"STATE" help:"Only deliveries in this state: pending, delivered, dead."`
	Subscription int64  `placeholder:"N" help:"Only this subscription's."`
	Limit        int    `default:"100" help:"At most so many; 0 is all."`
}

var deliveryColumns = []string{
	"event", "i_account", "i_customer", "type", "record", "subscription", "callback", "state", "tries", "status", "error", "at", "due", "finished",
}

// deliveryStates may be asked for; a deleted subscription's pending ones are shown as dropped.
var deliveryStates = []string{"pending", "delivered", "dead"}

// eventPage is how many deliveries are read at once.
const eventPage = 500

// Run prints one row for each delivery.
func (c *eventsListCmd) Run(a *app) error {
	switch {
	case c.State != "" && !slices.Contains(deliveryStates, c.State):
		return wrong("--state", c.State, strings.Join(deliveryStates, ", "))
	case c.Limit < 0:
		return wrong("--limit", strconv.Itoa(c.Limit), "a number of 0 or more")
	case c.Subscription < 0:
		return wrong("--subscription", strconv.FormatInt(c.Subscription, 10), "a number above 0")
	}
	o, err := a.open(opening{})
	if err != nil {
		return err
	}
	defer o.close()
	rows := c.rows(a.out, deliveryColumns, "i_account", "i_customer", "due")
	f := billing.DeliveryFilter{State: billing.DeliveryState(c.State), Hub: billing.HubID(c.Subscription), Limit: eventPage}
	for left := c.Limit; ; {
		list, err := o.engine.EventLog(as(a.ctx, "cli"), f)
		if err != nil {
			return err
		}
		for i := range list {
			f.Before = list[i].Delivery.ID
			// A subscription's are few enough to be looked through.
			if c.State != "" && string(list[i].Delivery.State) != c.State {
				continue
			}
			if err := rows.row(deliveryRow(&list[i])); err != nil {
				return err
			}
			if left--; left == 0 {
				return rows.end()
			}
		}
		if len(list) < eventPage {
			return rows.end()
		}
	}
}

func deliveryRow(r *billing.DeliveryRow) row {
	d, ev := &r.Delivery, &r.Event
	out := append(row{intCell("event", int64(d.Event))}, ownerCells(ev.Owner)...)
	return append(out,
		textCell("type", ev.EventType.String()), intCell("record", ev.RecordID), intCell("subscription", int64(d.Hub)), textCell("callback", r.Host),
		textCell("state", string(d.State)), intCell("tries", int64(d.Tries)), idCell("status", int64(d.Status)), textCell("error", d.Error),
		timeCell("at", ev.At), timeCell("due", d.DueAt), timeCell("finished", d.FinishedAt),
	)
}

type eventsShowCmd struct {
	ID int64 `arg:"" help:"The event."`
}

// Run prints an event with what became of it.
func (c *eventsShowCmd) Run(a *app) error {
	o, err := a.open(opening{})
	if err != nil {
		return err
	}
	defer o.close()
	s, err := o.engine.ShowEvent(as(a.ctx, "cli"), billing.EventID(c.ID))
	if err != nil {
		return err
	}
	fmt.Fprintf(a.out, "event %d: %s, record %d of %s, %s\n", s.Event.ID, s.Event.EventType, s.Event.RecordID, s.Event.Owner, s.Event.At.UTC().Format(time.RFC3339))
	rows := (&format{Format: "table"}).rows(a.out, deliveryColumns, "i_account", "i_customer", "at", "record", "type", "event")
	for i := range s.Deliveries {
		if err := rows.row(deliveryRow(&s.Deliveries[i])); err != nil {
			return err
		}
	}
	if err := rows.end(); err != nil {
		return err
	}
	if len(s.Body) > 0 {
		fmt.Fprintf(a.out, "%s\n", s.Body)
	}
	return nil
}

type eventsResendCmd struct {
	ID           int64 `arg:"" optional:"" help:"The event; without it all of --subscription that was given up."`
	Subscription int64 `placeholder:"N" help:"To this subscription only."`
}

// Run makes deliveries due.
func (c *eventsResendCmd) Run(a *app) error {
	if c.ID < 0 || c.Subscription < 0 {
		return wrong("--subscription", strconv.FormatInt(c.Subscription, 10), "a number above 0")
	}
	o, err := a.open(opening{})
	if err != nil {
		return err
	}
	defer o.close()
	n, err := o.engine.Resend(as(a.ctx, "cli"), billing.ResendParams{Event: billing.EventID(c.ID), Hub: billing.HubID(c.Subscription)})
	if err != nil {
		return err
	}
	fmt.Fprintf(a.out, "%d deliveries are due\n", n)
	return nil
}

type eventsSubscriptionsCmd struct {
	format `embed:""`
}

var hubColumns = []string{"subscription", "i_customer", "callback", "events", "secret", "created"}

// Run prints one row for each subscription.
func (c *eventsSubscriptionsCmd) Run(a *app) error {
	o, err := a.open(opening{})
	if err != nil {
		return err
	}
	defer o.close()
	list, err := o.engine.Hubs(as(a.ctx, "cli"))
	if err != nil {
		return err
	}
	rows := c.rows(a.out, hubColumns)
	for i := range list {
		h := &list[i]
		secret, wanted := "kept", h.Wanted
		if len(h.Secret) == 0 {
			secret = "missing: nothing is sent"
		}
		if wanted == "" {
			wanted = "all"
		}
		err := rows.row(row{
			intCell("subscription", int64(h.ID)), intCell("i_customer", h.Customer.Number()), textCell("callback", billing.CallbackHost(h.Callback)),
			textCell("events", wanted), textCell("secret", secret), timeCell("created", h.CreatedAt),
		})
		if err != nil {
			return err
		}
	}
	return rows.end()
}

type eventsUnsubscribeCmd struct {
	Subscription int64 `arg:"" help:"The subscription, as events subscriptions numbers it."`
}

// Run ends one, as DELETE of its resource does.
func (c *eventsUnsubscribeCmd) Run(a *app) error {
	o, err := a.open(opening{})
	if err != nil {
		return err
	}
	defer o.close()
	if err := o.engine.Unsubscribe(as(a.ctx, "cli"), billing.HubID(c.Subscription)); err != nil {
		return err
	}
	fmt.Fprintf(a.out, "subscription %d has ended\n", c.Subscription)
	return nil
}
