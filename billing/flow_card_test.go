package billing_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"topupd/billing"
)

// terms is a card that is right; its number is a token.
func terms(change ...func(*billing.CardTerms)) billing.CardTerms {
	p := billing.CardTerms{
		Number: billing.To(billing.Secret("tok_ok")), Holder: billing.To("Alice Rose"), ExpMonth: billing.To(int64(12)), ExpYear: billing.To(int64(2030)),
		CardDetails: billing.CardDetails{
			Alias: billing.To("work"), Type: billing.To(billing.CardVisa), Street1: billing.To("1 Main St"), State: billing.To("NY"),
			PostalCode: billing.To("10001"), City: billing.To("New York"), Country: billing.To("us"), Phone: billing.To("+12125550100"),
		},
	}
	for _, c := range change {
		c(&p)
	}
	return p
}

func number(text string) func(*billing.CardTerms) {
	return func(p *billing.CardTerms) { p.Number = billing.To(billing.Secret(text)) }
}

func primary(is bool) func(*billing.CardTerms) {
	return func(p *billing.CardTerms) { p.Primary = billing.To(is) }
}

var alice = billing.Account(100)

func (k *kit) add(o billing.OwnerID, p billing.CardTerms) billing.CardID {
	k.t.Helper()
	id, err := k.engine.AddCard(root(t0), billing.AddCardParams{Owner: o, CardTerms: p})
	k.ok(err)
	return id
}

func (k *kit) change(id billing.CardID, p billing.CardTerms) {
	k.t.Helper()
	k.ok(k.engine.UpdateCard(root(t0), billing.UpdateCardParams{Owner: alice, Card: id, CardTerms: p}))
}

func (k *kit) cardOf(o billing.OwnerID, id billing.CardID) billing.Card {
	k.t.Helper()
	c, err := k.engine.Card(root(t0), o, id)
	k.ok(err)
	return c
}

// stored are all cards as the database has them, deleted ones too.
func (k *kit) stored() (cards []billing.Card) {
	k.t.Helper()
	k.ok(k.store.View(context.Background(), func(r billing.Reader) (err error) {
		cards, err = r.Cards(0, 100)
		return err
	}))
	return cards
}

// primaries are the owner's primary cards.
func (k *kit) primaries(o billing.OwnerID) (ids []billing.CardID) {
	k.t.Helper()
	cards, err := k.engine.Cards(root(t0), billing.CardsParams{Owner: o})
	k.ok(err)
	for i := range cards {
		if cards[i].Primary {
			ids = append(ids, cards[i].ID)
		}
	}
	return ids
}

func TestAddCard(t *testing.T) {
	k := newKit(t)
	k.seed("tok_ok")
	acme := billing.Customer(10)
	first := k.add(acme, terms())
	c := k.cardOf(acme, first)
	if c.Token != nil || c.Alias != "work" || c.Type != billing.CardVisa || c.Brand != "Visa" || c.Last4 != "" || c.Holder != "Alice Rose" || c.ExpMonth != 12 || c.ExpYear != 2030 ||
		c.CardAddress != (billing.CardAddress{Street1: "1 Main St", Region: "NY", PostalCode: "10001", City: "New York", Country: "US", Phone: "+12125550100"}) ||
		c.Gateway != "sandbox" || !c.AutoCollect || c.State != billing.CardUsable || c.CreatedAt != t0 {
		t.Errorf("kept %+v", c)
	}
	second := k.add(acme, terms())
	if got := k.primaries(acme); !slices.Equal(got, []billing.CardID{first}) {
		t.Errorf("primary: %v", got)
	}
	third := k.add(acme, terms(primary(true)))
	if got := k.primaries(acme); !slices.Equal(got, []billing.CardID{third}) {
		t.Errorf("primary: %v", got)
	}
	for _, c := range k.stored() {
		if c.Owner == acme && (c.Primary != (c.Priority == 1)) {
			t.Errorf("card %d: primary %v, priority %d", c.ID, c.Primary, c.Priority)
		}
	}
	// The first card says no; a deleted one does not count as one.
	k.ok(k.engine.DeleteCard(root(t0), alice, 1000))
	no := k.add(alice, terms(primary(false)))
	if got := k.primaries(alice); got != nil {
		t.Errorf("primary: %v", got)
	}
	k.ok(k.engine.DeleteCard(root(t0), alice, no))
	again := k.add(alice, terms())
	if got := k.primaries(alice); !slices.Equal(got, []billing.CardID{again}) || again <= third {
		t.Errorf("primary: %v of %d", got, again)
	}
	for _, tt := range []struct {
		offset, limit int64
		want          []billing.CardID
	}{
		{0, 0, []billing.CardID{first, second, third}}, {1, 0, []billing.CardID{second, third}}, {1, 1, []billing.CardID{second}},
		{0, 2, []billing.CardID{first, second}}, {3, 0, nil}, {9, 9, nil}, {0, 1 << 62, []billing.CardID{first, second, third}},
	} {
		cards, err := k.engine.Cards(root(t0), billing.CardsParams{Owner: acme, Offset: tt.offset, Limit: tt.limit})
		k.ok(err)
		var got []billing.CardID
		for _, c := range cards {
			got = append(got, c.ID)
			if c.Token != nil {
				t.Errorf("card %d comes with its token", c.ID)
			}
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("from %d, %d: %v, want %v", tt.offset, tt.limit, got, tt.want)
		}
	}
	for _, p := range []billing.CardsParams{{Owner: acme, Offset: -1}, {Owner: acme, Limit: -1}} {
		if _, err := k.engine.Cards(root(t0), p); !errors.Is(err, billing.Invalid) {
			t.Errorf("%+v: %v", p, err)
		}
	}
}

// cardRefusals are terms that are refused, on a new card and on one that is there.
var cardRefusals = []struct {
	name   string
	change func(*billing.CardTerms)
	code   billing.Code
	field  string
}{
	{"type 0", func(p *billing.CardTerms) { p.Type = billing.To(billing.CardType(0)) }, billing.Invalid, "i_card_type"},
	{"type 7", func(p *billing.CardTerms) { p.Type = billing.To(billing.CardType(7)) }, billing.Invalid, "i_card_type"},
	{"type null", func(p *billing.CardTerms) { p.Type = billing.ToNull[billing.CardType]() }, billing.Invalid, "i_card_type"},
	{"month 0", func(p *billing.CardTerms) { p.ExpMonth = billing.To(int64(0)) }, billing.Invalid, "exp_mm"},
	{"month 13", func(p *billing.CardTerms) { p.ExpMonth = billing.To(int64(13)) }, billing.Invalid, "exp_mm"},
	{"two digits", func(p *billing.CardTerms) { p.ExpYear = billing.To(int64(30)) }, billing.Invalid, "exp_yy"},
	{"five digits", func(p *billing.CardTerms) { p.ExpYear = billing.To(int64(20300)) }, billing.Invalid, "exp_yy"},
	{"null year", func(p *billing.CardTerms) { p.ExpYear = billing.ToNull[int64]() }, billing.Invalid, "exp_yy"},
	{"last year", func(p *billing.CardTerms) { p.ExpYear = billing.To(int64(t0.Year() - 1)) }, billing.Invalid, "exp_yy"},
	{"last month", func(p *billing.CardTerms) {
		last := t0.AddDate(0, -1, 0)
		p.ExpYear, p.ExpMonth = billing.To(int64(last.Year())), billing.To(int64(last.Month()))
	}, billing.Invalid, "exp_mm"},
	{"country", func(p *billing.CardTerms) { p.Country = billing.To("XX") }, billing.Invalid, "country"},
	{"null country", func(p *billing.CardTerms) { p.Country = billing.ToNull[string]() }, billing.Invalid, "country"},
	{"null alias", func(p *billing.CardTerms) { p.Alias = billing.ToNull[string]() }, billing.Invalid, "alias"},
	{"null holder", func(p *billing.CardTerms) { p.Holder = billing.ToNull[string]() }, billing.Invalid, "holder"},
	{"null primary", func(p *billing.CardTerms) { p.Primary = billing.ToNull[bool]() }, billing.Invalid, "primary"},
	{"long city", func(p *billing.CardTerms) { p.City = billing.To(strings.Repeat("x", 256)) }, billing.Invalid, "city"},
	{"a line break", func(p *billing.CardTerms) { p.Holder = billing.To("a\nb") }, billing.Invalid, "holder"},
	{"a number as alias", func(p *billing.CardTerms) { p.Alias = billing.To("4111 1111 1111 1111") }, billing.Invalid, "alias"},
	{"its number as telephone", func(p *billing.CardTerms) {
		number("4242424242424242")(p)
		p.Phone = billing.To("4242-4242-4242-4242")
	}, billing.Invalid, "phone"},
	{"a blank number", number(" "), billing.Invalid, "number"},
	{"null number", func(p *billing.CardTerms) { p.Number = billing.ToNull[billing.Secret]() }, billing.Invalid, "number"},
	{"a slip of the keyboard", number("4242424242424241"), billing.Invalid, "number"},
	{"stars", number("************4242"), billing.Invalid, "number"},
	{"another brand", func(p *billing.CardTerms) { number("5555555555554444")(p) }, billing.Invalid, "i_card_type"},
	{"a network that is none", number("9999999999999995"), billing.Forbidden, "number"},
	{"a real number", number("4012888888881881"), billing.Forbidden, "number"},
}

// A refused call changes nothing, and no error tells the number.
func TestCardRefusals(t *testing.T) {
	k := newKit(t)
	k.seed("tok_ok")
	before := k.stored()
	for _, tt := range cardRefusals {
		_, err := k.engine.AddCard(root(t0), billing.AddCardParams{Owner: alice, CardTerms: terms(tt.change)})
		update := k.engine.UpdateCard(root(t0), billing.UpdateCardParams{Owner: alice, Card: 1000, CardTerms: terms(tt.change)})
		for _, err := range []error{err, update} {
			if billing.ErrorCode(err) != tt.code || billing.ErrorField(err) != tt.field {
				t.Errorf("%s: %v, want %s %s", tt.name, err, tt.code, tt.field)
			}
			if err != nil && (strings.Contains(err.Error(), "4012") || strings.Contains(err.Error(), "1881") || strings.Contains(err.Error(), "4242")) {
				t.Errorf("%s: the error tells the number: %v", tt.name, err)
			}
		}
	}
	for name, drop := range map[string]func(*billing.CardTerms){
		"alias": func(p *billing.CardTerms) { p.Alias.Given = false }, "i_card_type": func(p *billing.CardTerms) { p.Type.Given = false },
		"number": func(p *billing.CardTerms) { p.Number.Given = false }, "holder": func(p *billing.CardTerms) { p.Holder.Given = false },
		"exp_mm": func(p *billing.CardTerms) { p.ExpMonth.Given = false }, "exp_yy": func(p *billing.CardTerms) { p.ExpYear.Given = false },
		"street_addr1": func(p *billing.CardTerms) { p.Street1.Given = false }, "state": func(p *billing.CardTerms) { p.State.Given = false },
		"postal_code": func(p *billing.CardTerms) { p.PostalCode.Given = false }, "city": func(p *billing.CardTerms) { p.City.Given = false },
		"country": func(p *billing.CardTerms) { p.Country.Given = false }, "phone": func(p *billing.CardTerms) { p.Phone.Given = false },
	} {
		_, err := k.engine.AddCard(root(t0), billing.AddCardParams{Owner: alice, CardTerms: terms(drop)})
		if !errors.Is(err, billing.Missing) || billing.ErrorField(err) != name {
			t.Errorf("without %s: %v", name, err)
		}
	}
	none := terms(func(p *billing.CardTerms) { p.Country = billing.To("") }) // on an update it is what is shown
	if _, err := k.engine.AddCard(root(t0), billing.AddCardParams{Owner: alice, CardTerms: none}); billing.ErrorField(err) != "country" {
		t.Errorf("no country: %v", err)
	}
	if err := k.engine.UpdateCard(root(t0), billing.UpdateCardParams{Owner: alice, Card: 1000}); !errors.Is(err, billing.Missing) {
		t.Errorf("nothing to change: %v", err)
	}
	if after := k.stored(); !slices.EqualFunc(before, after, func(a, b billing.Card) bool { return a.UpdatedAt.Equal(b.UpdatedAt) && a.Alias == b.Alias }) {
		t.Errorf("a refused call changed something: %+v", after)
	}
}

// Unknown, foreign, deleted and out of scope are the same answer.
func TestCardScope(t *testing.T) {
	k := newKit(t)
	k.tree()
	ctx := as(10)
	foreign := k.add(billing.Account(200), terms())
	gone := k.add(alice, terms())
	k.ok(k.engine.DeleteCard(ctx, alice, gone))
	for _, tt := range []struct {
		owner billing.OwnerID
		card  billing.CardID
		field string
	}{
		{alice, 999, "i_debit_credit_card"}, {alice, foreign, "i_debit_credit_card"}, {alice, gone, "i_debit_credit_card"},
		{billing.Customer(10), 1000, "i_debit_credit_card"}, {billing.Account(200), foreign, "i_account"}, {billing.Account(999), 1000, "i_account"},
		{billing.Root, 1000, "i_customer"},
	} {
		_, get := k.engine.Card(ctx, tt.owner, tt.card)
		update := k.engine.UpdateCard(ctx, billing.UpdateCardParams{Owner: tt.owner, Card: tt.card, CardTerms: terms()})
		del := k.engine.DeleteCard(ctx, tt.owner, tt.card)
		for _, err := range []error{get, update, del} {
			if !errors.Is(err, billing.NotFound) || billing.ErrorField(err) != tt.field {
				t.Errorf("card %d of %s: %v", tt.card, tt.owner, err)
			}
		}
		if tt.field == "i_debit_credit_card" {
			continue
		}
		_, add := k.engine.AddCard(ctx, billing.AddCardParams{Owner: tt.owner, CardTerms: terms()})
		_, list := k.engine.Cards(ctx, billing.CardsParams{Owner: tt.owner})
		for _, err := range []error{add, list} {
			if !errors.Is(err, billing.NotFound) || billing.ErrorField(err) != tt.field {
				t.Errorf("%s: %v", tt.owner, err)
			}
		}
	}
	if c := k.cardOf(billing.Account(200), foreign); c.State != billing.CardUsable {
		t.Errorf("a foreign card is %+v", c)
	}
}

// tokenizer is a gateway for real cards that keeps what it was asked.
type tokenizer struct {
	billing.Gateway
	k     *kit
	asked []billing.CardNumber
	err   error
}

func (*tokenizer) Traits() billing.GatewayTraits { return billing.GatewayTraits{} }

func (g *tokenizer) Tokenize(ctx context.Context, n billing.CardNumber) (billing.Secret, billing.GatewayCard, error) {
	g.asked = append(g.asked, n)
	if g.k != nil { // it would wait for ever inside a transaction
		g.k.ok(g.k.engine.SetLowBalance(root(t0), billing.SetLowBalanceParams{Owner: alice, ChargeAmount: billing.To(int64(11 * usd))}))
	}
	return "tok_ok", billing.GatewayCard{Fingerprint: "print", Brand: "Visa", Last4: "1881", Customer: "cus_1"}, g.err
}

// A real number is taken with the setting, over TLS, from a login; nothing else is
// told apart from each other.
func TestCardNumbers(t *testing.T) {
	const real = "4012 8888 8888 1881"
	for _, tt := range []struct {
		name                   string
		setting, tls, trusted  bool
		number                 string
		kind                   billing.CardType
		code                   billing.Code
		sandbox, bare, refuses bool
	}{
		{name: "all is right", setting: true, tls: true, number: real},
		{name: "off", tls: true, number: real, code: billing.Forbidden},
		{name: "no TLS", setting: true, number: real, code: billing.Forbidden},
		{name: "trusted mode", setting: true, tls: true, trusted: true, number: real, code: billing.Forbidden},
		{name: "a test number at a real gateway", tls: true, number: "4242424242424242", code: billing.Forbidden},
		{name: "another brand, off", tls: true, number: real, kind: billing.CardJCB, code: billing.Forbidden},
		{name: "another brand", setting: true, tls: true, number: real, kind: billing.CardJCB, code: billing.Invalid},
		{name: "a gateway that takes none", setting: true, tls: true, number: real, bare: true, code: billing.Forbidden},
		{name: "the gateway refuses", setting: true, tls: true, number: real, refuses: true, code: billing.Invalid},
		{name: "sandbox, a test number", number: "4111111111111111", sandbox: true},
		{name: "sandbox, a test number in trusted mode", trusted: true, number: "4111-1111-1111-1111", sandbox: true},
		{name: "sandbox, a real number", number: real, sandbox: true, code: billing.Forbidden},
		{name: "sandbox, a real number of another brand", number: real, kind: billing.CardJCB, sandbox: true, code: billing.Forbidden},
		{name: "sandbox, a real number, on", setting: true, tls: true, number: real, sandbox: true, code: billing.Invalid},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := &tokenizer{}
			k := newKit(t, func(c *billing.Config) {
				c.Settings.AcceptCardNumbers = tt.setting
				g.Gateway = c.Gateways[0]
				switch {
				case tt.bare:
					c.Gateways = []billing.Gateway{struct{ billing.Gateway }{g}}
				case !tt.sandbox:
					c.Gateways = []billing.Gateway{g}
				}
			})
			k.seed("tok_ok")
			if tt.refuses {
				g.err = billing.Errorf(billing.Invalid, "number", "refused")
			}
			g.k = k
			a := billing.Actor{Login: "root", Customer: billing.Root, TLS: tt.tls, Trusted: tt.trusted}
			if tt.trusted {
				a.Login = ""
			}
			p := terms(number(tt.number), func(p *billing.CardTerms) {
				p.CVV = billing.To(billing.Secret("987"))
				if tt.kind != 0 {
					p.Type = billing.To(tt.kind)
				}
			})
			id, err := k.engine.AddCard(billing.WithActor(root(t0), a), billing.AddCardParams{Owner: alice, CardTerms: p})
			if tt.code != billing.Internal {
				if billing.ErrorCode(err) != tt.code {
					t.Errorf("got %v", err)
				}
				if (len(g.asked) > 0) != tt.refuses {
					t.Errorf("the gateway was asked %d times", len(g.asked))
				}
				if n := len(k.stored()); n != 1 {
					t.Errorf("%d cards", n)
				}
				return
			}
			k.ok(err)
			c := k.cardOf(alice, id)
			if tt.sandbox {
				if c.Last4 != "1111" || c.Brand != "Visa" || c.Fingerprint == "" {
					t.Errorf("kept %+v", c)
				}
				return
			}
			if want := (billing.CardNumber{Number: "4012888888881881", CVV: "987", ExpMonth: 12, ExpYear: 2030, Holder: "Alice Rose"}); len(g.asked) != 1 || g.asked[0] != want {
				t.Errorf("the gateway was asked %d times", len(g.asked))
			}
			if c.Last4 != "1881" || c.Brand != "Visa" || c.Fingerprint != "print" || c.GatewayCustomer != "cus_1" {
				t.Errorf("kept %+v", c)
			}
			for _, c := range k.stored() {
				if c.ID == id && string(c.Token) != "card:"+itoa(id)+"\x00tok_ok" {
					t.Errorf("sealed %q", c.Token)
				}
			}
		})
	}
}

func itoa(id billing.CardID) string {
	return strings.TrimPrefix(billing.Account(int64(id)).String(), "account ")
}

func TestUpdateCard(t *testing.T) {
	k := newKit(t)
	k.seed("tok_ok")
	id := k.add(alice, terms(number("4242424242424242")))
	was := k.stored()
	// The last four as they are shown are no number, and what is not given stays.
	k.change(id, billing.CardTerms{Number: billing.To(billing.Secret("4242")), CardDetails: billing.CardDetails{Alias: billing.To("home"), Street2: billing.ToNull[string]()}})
	c := k.cardOf(alice, id)
	if c.Alias != "home" || c.Holder != "Alice Rose" || c.Last4 != "4242" || c.City != "New York" || c.Primary || string(k.stored()[1].Token) != string(was[1].Token) {
		t.Errorf("kept %+v", c)
	}
	err := k.engine.UpdateCard(root(t0), billing.UpdateCardParams{Owner: alice, Card: id, CardTerms: billing.CardTerms{CardDetails: billing.CardDetails{Type: billing.To(billing.CardJCB)}}})
	if !errors.Is(err, billing.Invalid) || billing.ErrorField(err) != "i_card_type" {
		t.Errorf("a type that the gateway knows better: %v", err)
	}
	// A new number brings its type.
	k.change(id, billing.CardTerms{Number: billing.To(billing.Secret("5555555555554444"))})
	if c = k.cardOf(alice, id); c.Type != billing.CardMasterCard || c.Last4 != "4444" {
		t.Errorf("kept %+v", c)
	}
	// A token brings nothing: what is known of the old card goes.
	k.change(id, billing.CardTerms{Number: billing.To(billing.Secret("tok_lost")), CardDetails: billing.CardDetails{Type: billing.To(billing.CardVisa)}})
	if c = k.cardOf(alice, id); c.Type != billing.CardVisa || c.Brand != "Visa" || c.Last4 != "" || c.Fingerprint != "" {
		t.Errorf("kept %+v", c)
	}
	k.change(id, billing.CardTerms{Primary: billing.To(true)})
	if got := k.primaries(alice); !slices.Equal(got, []billing.CardID{id}) {
		t.Errorf("primary: %v", got)
	}
	k.change(id, billing.CardTerms{Primary: billing.To(false)})
	if got := k.primaries(alice); got != nil {
		t.Errorf("primary: %v", got)
	}
	// One of the two parts of a date changes with the other one kept.
	k.change(id, billing.CardTerms{ExpYear: billing.To(int64(2031))})
	if c = k.cardOf(alice, id); c.ExpMonth != 12 || c.ExpYear != 2031 {
		t.Errorf("%d/%d", c.ExpMonth, c.ExpYear)
	}
	err = k.engine.UpdateCard(root(t0), billing.UpdateCardParams{Owner: alice, Card: 1000, CardTerms: billing.CardTerms{ExpMonth: billing.To(int64(5))}})
	if !errors.Is(err, billing.Missing) || billing.ErrorField(err) != "exp_yy" {
		t.Errorf("a card without a year: %v", err)
	}
}

// A panel reads a card and saves the form as it was; also when the card's date has
// passed since, and when nothing is known of it.
func TestUpdateCardWithWhatIsShown(t *testing.T) {
	k := newKit(t)
	k.seed("tok_ok")
	id := k.add(alice, terms(number("4242424242424242")))
	before := k.stored()
	later := root(t0.AddDate(10, 0, 0))
	form := terms(number("4242"), primary(false))
	k.ok(k.engine.UpdateCard(later, billing.UpdateCardParams{Owner: alice, Card: id, CardTerms: form}))
	number("5555555555554444")(&form)
	form.Type = billing.To(billing.CardMasterCard)
	if err := k.engine.UpdateCard(later, billing.UpdateCardParams{Owner: alice, Card: id, CardTerms: form}); billing.ErrorField(err) != "exp_yy" {
		t.Errorf("a new number with the old date: %v", err)
	}
	k.importCard(func(l *billing.CardLine) { l.Brand, l.Last4 = billing.To("UnionPay"), billing.ToNull[string]() })
	k.change(1000, billing.CardTerms{
		Number: billing.To(billing.Secret("")), ExpMonth: billing.ToNull[int64](), ExpYear: billing.ToNull[int64](), Primary: billing.To(true),
		CardDetails: billing.CardDetails{Type: billing.ToNull[billing.CardType](), Country: billing.To(""), Alias: billing.To("")},
	})
	after := k.stored()
	for i := range before {
		before[i].UpdatedAt, after[i].UpdatedAt = time.Time{}, time.Time{}
	}
	before[0].Brand, before[0].Last4 = "UnionPay", ""
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("something changed (-before +after):\n%s", diff)
	}
}

// A new or changed card ends a suspension and is charged, if the owner is low; an
// alias is no such change.
func TestCardEndsSuspension(t *testing.T) {
	for name, tt := range map[string]struct {
		change  func(*kit)
		charged bool
	}{
		"an alias": {func(k *kit) {
			k.change(1000, billing.CardTerms{CardDetails: billing.CardDetails{Alias: billing.To("x")}})
		}, false},
		"a new card":    {func(k *kit) { k.add(alice, terms(primary(true))) }, true},
		"another token": {func(k *kit) { k.change(1000, terms()) }, true},
		"another primary card": {func(k *kit) {
			k.importCard(func(l *billing.CardLine) { l.ID, l.Token = 1001, billing.To(billing.Secret("tok_ok")) })
			k.suspend()
			k.change(1001, billing.CardTerms{Primary: billing.To(true)})
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			k := newKit(t)
			k.seed("tok_lost")
			k.debit(t0, 16*usd)
			k.drain(t0)
			k.wantStates(billing.ChargeFailed)
			if k.policy().State.Suspended == "" {
				t.Fatal("not suspended")
			}
			k.set(t0, billing.SetLowBalanceParams{Threshold: billing.To(int64(6 * usd))}) // low, whatever came before
			tt.change(k)
			if (k.policy().State.Suspended == "") != tt.charged {
				t.Errorf("suspended: %q", k.policy().State.Suspended)
			}
			if len(k.charges()) == 2 {
				k.drain(t0)
				k.wantStates(billing.ChargeFailed, billing.ChargeSucceeded)
				return
			}
			// The interval of the caps passes first.
			at := t0.Add(time.Hour)
			k.sweep(at)
			if tt.charged {
				k.wantStates(billing.ChargeFailed, billing.ChargeSucceeded)
				k.wantBalance(14 * usd)
			} else {
				k.wantStates(billing.ChargeFailed)
			}
			k.verify()
		})
	}
}

// suspend puts the state back that a card's import ends.
func (k *kit) suspend() {
	k.t.Helper()
	k.ok(k.store.Update(context.Background(), func(tx billing.Tx) error {
		j, err := tx.Judged(alice)
		if err != nil {
			return err
		}
		j.Policy.State.Suspended = billing.SuspendedHard
		return tx.PutLowBalanceState(alice, j.Policy.State)
	}))
}

const removed = "Your card Visa 4242 was removed"

// Deleting a card that a policy leads to pauses the policy and tells the owner.
func TestDeleteCard(t *testing.T) {
	named := billing.CardID(1000)
	for _, tt := range []struct {
		name   string
		before func(*kit)
		mails  []string
		low    billing.Reason // once it is low
	}{
		{"the primary card", func(*kit) {}, []string{removed}, billing.ReasonNoCard},
		{"a named card", func(k *kit) { k.set(t0, billing.SetLowBalanceParams{Card: billing.To(named)}) }, []string{removed}, billing.ReasonCardGone},
		{"of a billing run", func(k *kit) {
			k.set(t0, billing.SetLowBalanceParams{ChargeCard: billing.To(false), BRChargeCard: billing.To(true), BRCard: billing.To(named)})
		}, []string{removed}, ""},
		{"of a policy that is off", func(k *kit) {
			k.set(t0, billing.SetLowBalanceParams{ChargeCard: billing.To(false), Card: billing.To(named)})
		}, nil, ""},
		{"of a policy without a threshold", func(k *kit) { k.set(t0, billing.SetLowBalanceParams{Threshold: billing.ToNull[int64]()}) }, nil, ""},
		{"not the primary one", func(k *kit) { k.importCard(func(l *billing.CardLine) { l.Primary = billing.To(false) }) }, nil, billing.ReasonNoCard},
		{"of an owner that is held", func(k *kit) {
			k.ok(k.store.Update(context.Background(), func(tx billing.Tx) error {
				_, err := tx.SetHeld(alice, true, t0)
				return err
			}))
		}, nil, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			k := newKit(t)
			k.seed("tok_ok")
			tt.before(k)
			before := k.policy().Card
			k.ok(k.engine.DeleteCard(root(t0), alice, 1000))
			k.drain(t0)
			k.wantMails(tt.mails...)
			if after := k.policy().Card; (before == nil) != (after == nil) || after != nil && *after != *before {
				t.Errorf("the policy names %v, not %v", after, before)
			}
			c := k.stored()[0]
			if c.State != billing.CardDeleted || c.Token != nil || c.Primary || c.Alias != "" || c.Holder != "" || c.CardAddress != (billing.CardAddress{}) || c.Label() != "Visa 4242" {
				t.Errorf("kept %+v", c)
			}
			if before != nil { // the form as it was read is saved again
				k.set(t0, billing.SetLowBalanceParams{Card: billing.To(*before), ChargeAmount: billing.To(int64(11 * usd))})
			}
			k.debit(t0, 16*usd)
			k.drain(t0)
			k.wantStates()
			if tt.low != "" {
				k.wantReason(tt.low)
			}
			err := k.engine.SetLowBalance(root(t0), billing.SetLowBalanceParams{Owner: alice, Card: billing.ToNull[billing.CardID]()})
			k.ok(err)
			err = k.engine.SetLowBalance(root(t0), billing.SetLowBalanceParams{Owner: alice, Card: billing.To(named)})
			if !errors.Is(err, billing.NotFound) {
				t.Errorf("the deleted card was named anew: %v", err)
			}
		})
	}
}

// What was not sent is cancelled; what was sent is settled with the token it was
// sent with.
func TestDeleteCardWithCharge(t *testing.T) {
	k := newKit(t)
	k.seed("tok_ok")
	k.debit(t0, 16*usd)
	k.wantStates(billing.ChargeCreated)
	k.ok(k.engine.DeleteCard(root(t0), alice, 1000))
	k.drain(t0)
	k.wantStates(billing.ChargeCancelled)
	k.wantBalance(4 * usd)
	k.verify()

	k = newKit(t)
	k.seed("tok_timeout")
	k.debit(t0, 16*usd)
	k.drain(t0)
	k.wantStates(billing.ChargeUnknown)
	k.ok(k.engine.DeleteCard(root(t0), alice, 1000))
	k.later(t0.Add(time.Minute))
	k.wantStates(billing.ChargeSucceeded)
	k.wantBalance(14 * usd)
	if c := k.stored()[0]; c.State != billing.CardDeleted || c.Token != nil {
		t.Errorf("the answer brought the card back: %+v", c)
	}
	k.verify()
}

// A charge that waits for its next try ends with its card, not when that try is due.
func TestDeleteCardBetweenTries(t *testing.T) {
	k := newKit(t)
	k.seed("tok_declined")
	k.debit(t0, 16*usd)
	k.drain(t0)
	k.wantStates(billing.ChargeCreated)
	soon := t0.Add(time.Minute)
	k.ok(k.engine.DeleteCard(root(soon), alice, 1000))
	k.drain(soon)
	k.wantStates(billing.ChargeCancelled)
	k.verify()
}

// An import keeps a deleted card deleted, and gives its id to no other.
func TestImportOverDeletedCard(t *testing.T) {
	k := newKit(t)
	k.seed("tok_ok")
	k.ok(k.engine.DeleteCard(root(t0), alice, 1000))
	k.importCard(func(l *billing.CardLine) { l.Primary, l.Alias = billing.To(true), billing.To("a") })
	if c := k.stored()[0]; c.State != billing.CardDeleted || c.Primary || c.Alias != "" {
		t.Errorf("kept %+v", c)
	}
	err := k.engine.Import(root(t0), false, func(im *billing.Importer) error {
		return im.Card(billing.CardLine{ID: 1000, Owner: alice, Token: billing.To(billing.Secret("tok_ok"))})
	})
	if !errors.Is(err, billing.Conflict) {
		t.Errorf("a token for a deleted card: %v", err)
	}
}

// A card that a fraud warning put aside does not come back as a new one; nor does it
// stay aside when a person has lifted that.
func TestACardPutAsideComesBackAside(t *testing.T) {
	k := newKit(t)
	k.seed("tok_ok")
	first := k.add(alice, terms(number("4242424242424242"), primary(true)))
	k.debit(t0, 16*usd)
	k.drain(t0)
	k.wantStates(billing.ChargeSucceeded)
	k.ok(k.event(t0, billing.GatewayEvent{ID: "e1", Kind: billing.EventFraudWarning, Ref: k.ref()}))
	if c := k.cardOf(alice, first); c.State != billing.CardAside {
		t.Fatalf("%+v", c)
	}
	again := k.add(alice, terms(number("4242424242424242")))
	if c := k.cardOf(alice, again); c.State != billing.CardAside || c.Aside == "" {
		t.Errorf("added again: %s %q", c.State, c.Aside)
	}
	other := k.add(alice, terms(number("5555555555554444"), func(p *billing.CardTerms) { p.Type = billing.To(billing.CardMasterCard) }))
	if c := k.cardOf(alice, other); c.State != billing.CardUsable {
		t.Errorf("another card: %s %q", c.State, c.Aside)
	}
	k.ok(k.engine.ResumeOwner(root(t0), alice, 0, "it was the customer"))
	for _, id := range []billing.CardID{first, again} {
		if c := k.cardOf(alice, id); c.State != billing.CardUsable {
			t.Errorf("lifted: %s %q", c.State, c.Aside)
		}
	}
}

// Nor does it come back by another number on its own row, after it was deleted, or for
// one payment.
func TestAHeldCardHasNoWayRound(t *testing.T) {
	k := newKit(t, noWait)
	k.seed("tok_ok")
	id := k.add(alice, terms(number("4242424242424242"), primary(true)))
	k.debit(t0, 16*usd)
	k.drain(t0)
	k.ok(k.event(t0, billing.GatewayEvent{ID: "e1", Kind: billing.EventFraudWarning, Ref: k.ref()}))
	k.change(id, billing.CardTerms{Number: billing.To(billing.Secret("4242424242424242"))})
	if c := k.cardOf(alice, id); c.State != billing.CardAside {
		t.Errorf("the same number again: %s", c.State)
	}
	k.ok(k.engine.DeleteCard(root(t0), alice, id))
	again := k.add(alice, terms(number("4242424242424242")))
	if c := k.cardOf(alice, again); c.State != billing.CardAside {
		t.Errorf("deleted and added: %s", c.State)
	}
	k.ok(k.engine.ResumeOwner(root(t0), alice, 0, "it was the customer"))
	if c := k.cardOf(alice, again); c.State != billing.CardUsable {
		t.Errorf("lifted: %s", c.State)
	}
	k.ok(k.engine.DeleteCard(root(t0), alice, again))
	if c := k.cardOf(alice, k.add(alice, terms(number("4242424242424242")))); c.State != billing.CardUsable {
		t.Errorf("after it was lifted: %s", c.State)
	}
}
