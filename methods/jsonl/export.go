package jsonl

import (
	"bufio"
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"topupd/billing"
)

// ExportOptions say what is exported.
type ExportOptions struct {
	// Secrets writes tokens and password hashes too.
	Secrets bool
	// Realm is the realm in force: a hash for another one is of no use.
	Realm string
	// Progress is called with the number of owners written so far; may be nil.
	Progress func(owners int64)
	// Warn is told of what is left out, since no import takes it; may be nil.
	Warn func(text string)
}

// page is how many records are read at once.
const page = 1000

// Export writes everything that an import can bring, in one consistent view and
// a fixed order: plans, types of correspondence and expected payments, profiles, customers (parents first), accounts, cards, policies,
// vouchers, tokens, subscriptions with the payments and orders of their owners, expected payments
// and their letters, pool plans, buckets of allowances, services and balance actions, top-ups with
// their rules first. What could not be moved when its type got a table is left out, with a warning.
func Export(ctx context.Context, e *billing.Engine, out io.Writer, o ExportOptions) error {
	w := bufio.NewWriterSize(out, 64<<10)
	err := e.Snapshot(ctx, func(r billing.Reader) error {
		x := &export{ctx: ctx, e: e, r: r, o: o, w: &lineWriter{w: w}, held: map[billing.TopupID]bool{}}
		for _, part := range []func() error{x.plans, x.letterTypes, x.expectedTypes, x.profiles, x.customers, x.accounts, x.cards, x.policies, x.vouchers, x.tokens, x.subscriptions, x.payments, x.orders, x.expected, x.letters, x.pools, x.buckets, x.services, x.rules, x.topups, x.actions, x.hubs, x.objects} {
			if err := part(); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return w.Flush()
}

type export struct {
	ctx context.Context
	e   *billing.Engine
	r   billing.Reader
	o   ExportOptions
	w   *lineWriter

	logins map[billing.OwnerID][]billing.Login
	owners int64
	// held are recurring top-ups that are not written, and so are not their executions.
	held map[billing.TopupID]bool
}

func (x *export) warn(format string, args ...any) {
	if x.o.Warn != nil {
		x.o.Warn(fmt.Sprintf(format, args...))
	}
}

func (x *export) plans() error {
	plans, err := x.r.Plans()
	if err != nil {
		return err
	}
	for _, p := range plans {
		w := x.w.begin("plan").int("i_billing_plan", int64(p.ID)).text("name", p.Name).
			money("price", p.Price, p.Currency).text("currency", string(p.Currency)).
			text("billing_cycle", string(p.Cycle)).flag("prepaid", p.Prepaid).
			text("on_failure", string(p.OnFailure)).text("description", p.Description).
			flag("suspend_all_calls", p.SuspendAllCalls).id("i_tariff", p.Tariff)
		if p.Customer != 0 {
			w.int("i_customer", p.Customer.Number())
		}
		if err := x.minutePlans(w, &p); err != nil {
			return err
		}
		if err := w.end(); err != nil {
			return err
		}
	}
	return nil
}

// each yields the owners of a kind by id.
func (x *export) each(kind billing.OwnerKind, fn func(*billing.Owner) error) error {
	var after billing.OwnerID
	for {
		owners, err := x.r.Owners(billing.OwnerFilter{Kind: &kind, After: after, Limit: page})
		if err != nil {
			return err
		}
		for i := range owners {
			if err := fn(&owners[i]); err != nil {
				return err
			}
			after = owners[i].ID
		}
		x.owners += int64(len(owners))
		if x.o.Progress != nil {
			x.o.Progress(x.owners)
		}
		if err := x.ctx.Err(); err != nil || len(owners) < page {
			return err
		}
	}
}

// customers writes them by id, those whose parent has a higher one at the end
// by their depth, so that a parent always comes first.
func (x *export) customers() error {
	if err := x.readLogins(); err != nil {
		return err
	}
	late := map[billing.OwnerID]bool{}
	var later []billing.Owner
	err := x.each(billing.KindCustomer, func(o *billing.Owner) error {
		if o.Parent > o.ID || late[o.Parent] {
			late[o.ID] = true
			later = append(later, *o)
			return nil
		}
		return x.customer(o)
	})
	if err != nil {
		return err
	}
	slices.SortStableFunc(later, func(a, b billing.Owner) int {
		return cmp.Compare(strings.Count(a.Path, "/"), strings.Count(b.Path, "/"))
	})
	for i := range later {
		if err := x.customer(&later[i]); err != nil {
			return err
		}
	}
	return nil
}

func (x *export) readLogins() error {
	logins, err := x.r.Logins()
	if err != nil {
		return err
	}
	slices.SortFunc(logins, func(a, b billing.Login) int { return strings.Compare(a.Name, b.Name) })
	x.logins = map[billing.OwnerID][]billing.Login{}
	for _, l := range logins {
		x.logins[l.Customer] = append(x.logins[l.Customer], l)
	}
	return nil
}

// customer writes a customer with its first login, and a line more for each other.
func (x *export) customer(o *billing.Owner) error {
	bucket, err := x.bucket(o)
	if err != nil {
		return err
	}
	w := x.w.begin("customer").int("i_customer", o.ID.Number()).text("name", o.Name)
	if o.ID == billing.Root {
		w.null("i_parent")
	} else {
		w.int("i_parent", o.Parent.Number())
	}
	x.standing(w, o, bucket)
	logins := x.logins[o.ID]
	if len(logins) > 0 {
		if err := x.login(w, &logins[0]); err != nil {
			return err
		}
		logins = logins[1:]
	}
	if err := x.topup(w, o); err != nil {
		return err
	}
	if err := w.extra(o.Extra).end(); err != nil {
		return err
	}
	for i := range logins {
		w.begin("customer").int("i_customer", o.ID.Number())
		if err := x.login(w, &logins[i]); err != nil {
			return err
		}
		if err := w.end(); err != nil {
			return err
		}
	}
	return nil
}

// standing writes what customers and accounts share.
func (x *export) standing(w *lineWriter, o *billing.Owner, b billing.Bucket) {
	w.text("currency", string(o.Currency)).money("balance", b.Balance, o.Currency).
		moneyOrNull("credit_limit", o.CreditLimit, o.Currency).text("email", o.Email).
		text("time_zone", o.TimeZone).flag("blocked", o.Blocked&billing.BlockOperator != 0)
	if o.MinPayment != 0 {
		w.money("min_payment_amount", o.MinPayment, o.Currency)
	}
}

// validity writes an account's lifetime, if it has one, and what a payment does to it.
func validity(w *lineWriter, o *billing.Owner) {
	if o.Lifetime != nil {
		w.int("lifetime", *o.Lifetime).time("first_used_at", o.FirstUsedAt).time("expires_at", o.ExpiresAt)
	}
	if o.OnPayment != billing.OnPaymentNone {
		w.text("on_payment_action", string(o.OnPayment))
	}
}

// login writes a login; without its hash an import leaves it unusable. That is
// what a disabled one is, so its hash is never written.
func (x *export) login(w *lineWriter, l *billing.Login) error {
	w.text("web_login", l.Name)
	if !x.o.Secrets || l.Disabled || l.Realm != x.o.Realm || len(l.HA1) == 0 {
		return nil
	}
	hash, err := x.e.LoginHash(l)
	if err != nil {
		return err
	}
	w.text("api_ha1", hash.Reveal())
	return nil
}

func (x *export) bucket(o *billing.Owner) (billing.Bucket, error) {
	b, err := x.r.Bucket(o.ID, o.Currency)
	if errors.Is(err, billing.NotFound) {
		return b, nil
	}
	return b, err
}

func (x *export) accounts() error {
	return x.each(billing.KindAccount, func(o *billing.Owner) error {
		bucket, err := x.bucket(o)
		if err != nil {
			return err
		}
		plan, err := x.r.AccountPlan(o.ID)
		if err != nil && !errors.Is(err, billing.NotFound) {
			return err
		}
		w := x.w.begin("account").int("i_account", o.ID.Number()).int("i_customer", o.Parent.Number()).
			text("username", o.Username).text("name", o.Name)
		x.standing(w, o, bucket)
		w.id("i_billing_plan", int64(plan.Plan)).time("next_billing_time", plan.NextAt).
			id("billing_anchor_day", int64(plan.AnchorDay)).text("billing_time_zone", plan.TimeZone).
			int("balance_group", o.BalanceGroup)
		if plan.Plan != 0 {
			if err := x.minutesUsed(w, &plan); err != nil {
				return err
			}
		}
		validity(w, o)
		return w.extra(o.Extra).end()
	})
}

func (x *export) cards() error {
	var after billing.CardID
	for {
		cards, err := x.r.Cards(after, page)
		if err != nil {
			return err
		}
		for i := range cards {
			if err := x.card(&cards[i]); err != nil {
				return err
			}
			after = cards[i].ID
		}
		if err := x.ctx.Err(); err != nil || len(cards) < page {
			return err
		}
	}
}

// card writes a card. One that must not be charged again (deleted, put aside)
// never gets its token: an import would make it usable.
func (x *export) card(c *billing.Card) error {
	deleted := c.State == billing.CardDeleted
	if deleted {
		named, err := x.named(c)
		if err != nil || !named {
			return err
		}
	}
	w := x.w.begin("card").int("i_debit_credit_card", int64(c.ID)).owner(c.Owner).
		text("gateway", c.Gateway).text("gateway_customer", c.GatewayCustomer)
	if x.o.Secrets && c.State == billing.CardUsable && len(c.Token) > 0 {
		token, err := x.e.Token(c)
		if err != nil {
			return err
		}
		w.text("token", token.Reveal())
	}
	w.text("brand", c.Brand).text("last4", c.Last4).id("exp_mm", int64(c.ExpMonth)).
		id("exp_yy", int64(c.ExpYear)).text("holder", c.Holder).flag("primary", c.Primary && !deleted)
	cardDetails(w, c)
	if deleted {
		w.flag("deleted", true)
	}
	return w.extra(c.Extra).end()
}

// cardDetails writes what the switch's methods keep, where there is any.
func cardDetails(w *lineWriter, c *billing.Card) {
	if c.Type.Known() {
		w.int("i_card_type", int64(c.Type))
	}
	for _, f := range []struct{ name, text string }{
		{"alias", c.Alias}, {"street_addr1", c.Street1}, {"street_addr2", c.Street2}, {"state", c.Region},
		{"postal_code", c.PostalCode}, {"city", c.City}, {"country", c.Country}, {"phone", c.Phone},
	} {
		if f.text != "" {
			w.text(f.name, f.text)
		}
	}
}

// named reports whether a policy, a payment or an expected payment names the card: then a line for it is
// needed, else the import would miss it.
func (x *export) named(c *billing.Card) (bool, error) {
	if paid, err := x.r.PaidWithCard(c.ID); err != nil || paid {
		return paid, err
	}
	if expected, err := x.r.ExpectedWithCard(c.ID); err != nil || expected {
		return expected, err
	}
	j, err := x.r.OwnerPolicy(c.Owner)
	if err != nil {
		return false, err
	}
	is := func(id *billing.CardID) bool { return id != nil && *id == c.ID }
	return is(j.Policy.Card) || is(j.Policy.BRCard), nil
}

func (x *export) policies() error {
	var after billing.OwnerID
	for {
		list, err := x.r.Policies(billing.PolicyFilter{After: after, Limit: page})
		if err != nil {
			return err
		}
		for i := range list {
			if err := x.policy(&list[i]); err != nil {
				return err
			}
			after = list[i].Owner.ID
		}
		if err := x.ctx.Err(); err != nil || len(list) < page {
			return err
		}
	}
}

func (x *export) policy(j *billing.Judged) error {
	p, unit := &j.Policy, j.Owner.Currency
	w := x.w.begin("low_balance").owner(j.Owner.ID).moneyOrNull("threshold", p.Threshold, unit).
		flag("notify_by_email", p.NotifyByEmail).flag("charge_card", p.ChargeCard).
		money("charge_amount", p.ChargeAmount, unit).cardOrNull("i_debit_credit_card", p.Card)
	if j.Owner.ID.IsAccount() {
		w.flag("br_charge_card", p.BRChargeCard).moneyOrNull("br_charge_amount", p.BRChargeAmount, unit).
			cardOrNull("br_i_debit_credit_card", p.BRCard)
	}
	if p.Retry != nil {
		w.int("notification_retry_count", p.Retry.Count)
		if p.Retry.Interval == nil {
			w.null("notification_retry_interval")
		} else {
			w.int("notification_retry_interval", *p.Retry.Interval)
		}
	}
	return w.end()
}

// vouchers writes those that are not used, with secrets only: a line without the
// hash of its code would bring a voucher that nobody can use.
func (x *export) vouchers() error {
	var after billing.VoucherID
	for x.o.Secrets {
		list, err := x.r.Vouchers(after, page)
		if err != nil {
			return err
		}
		for i := range list {
			if err := x.voucher(&list[i]); err != nil {
				return err
			}
			after = list[i].ID
		}
		if err := x.ctx.Err(); err != nil || len(list) < page {
			return err
		}
	}
	return nil
}

func (x *export) voucher(v *billing.Voucher) error {
	if v.UsedBy != 0 {
		return nil
	}
	w := x.w.begin("voucher").int("i_voucher", int64(v.ID)).money("amount", v.Amount, v.Currency).text("currency", string(v.Currency)).
		time("created", v.CreatedAt).time("expires", v.ExpiresAt).text("code_hash", hex.EncodeToString(v.CodeHash))
	if v.PINHash != nil {
		w.text("pin_hash", hex.EncodeToString(v.PINHash))
	}
	return w.text("hint", v.Hint).end()
}

// tokens writes those that work, with secrets only, as vouchers are.
func (x *export) tokens() error {
	if !x.o.Secrets {
		return nil
	}
	list, err := x.r.Tokens()
	if err != nil {
		return err
	}
	for i := range list {
		t := &list[i]
		if !t.RevokedAt.IsZero() {
			continue
		}
		err := x.w.begin("token").int("id", int64(t.ID)).int("i_customer", t.Customer.Number()).text("name", t.Name).
			text("token_hash", hex.EncodeToString(t.Hash)).text("hint", t.Hint).time("created", t.CreatedAt).end()
		if err != nil {
			return err
		}
	}
	return nil
}

// objects are lines of an older version that did not fit when their type got a table, and
// would not now.
func (x *export) objects() error {
	for o, err := range x.r.Objects() {
		if err != nil {
			return err
		}
		x.warn("left out: a %s line with the id %s, which did not fit when it was taken over", o.Type, o.Key)
	}
	return nil
}
