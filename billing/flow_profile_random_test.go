package billing_test

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"topupd/billing"
	"topupd/db/dbtest"
)

// TestProfileRunNeverHarms: through the engine, whatever limits, debts, profiles and own
// amounts there are: a top-up leaves no customer with less money or more debt, what a card is
// charged in a day stays within the cap, a payment that is only expected moves nothing, and
// a second run on the same day does nothing.
func TestProfileRunNeverHarms(t *testing.T) {
	const capDay = 150 * usd
	k := newKit(t, func(c *billing.Config) { c.Settings.Limits.CapDay = capDay })
	words := func(r *rapid.T, name string, list ...string) billing.Change[string] {
		return billing.To(rapid.SampledFrom(list).Draw(r, name))
	}
	limits := []string{"Credit Limit", "Outstanding Limit", "Overdue Limit"}
	next, charged, expected := int64(2000), 0, 0
	rapid.Check(t, func(r *rapid.T) {
		day := t0.AddDate(0, 0, int(next-2000))
		first := next
		next += 4
		// Whole dollars and cents, so that what is imported is what is compared.
		money := rapid.Custom(func(r *rapid.T) int64 { return rapid.Int64Range(-300_00, 900_00).Draw(r, "cents") * (usd / 100) })
		err := k.engine.Import(root(day), false, func(im *billing.Importer) error {
			p := billing.ProfileParams{
				Name: billing.To("P"), Enabled: billing.To(rapid.IntRange(0, 9).Draw(r, "on") > 0), Basis: words(r, "basis", "Outstanding", "Overdue", "Unbilled Calls"),
				Trigger: words(r, "trigger", "Absolute Amount", "Percent of Limit"), TriggerValue: billing.To(rapid.Int64Range(2, 99).Draw(r, "trigger value") * usd),
				Limit: words(r, "limit", limits...), Mode: words(r, "mode", "Fixed Amount", "To Percent Of Limit"),
				TopupLimit:  billing.To("Overdue Limit"),
				TopupValue:  billing.To(1 + rapid.Int64Range(0, 99*usd).Draw(r, "topup value")),
				AutoCollect: billing.To(rapid.IntRange(0, 3).Draw(r, "collect") > 0), MinDays: billing.To(rapid.Int64Range(0, 3).Draw(r, "days")),
			}
			if *p.Limit.Value == "Overdue Limit" {
				p.TopupLimit = billing.To("Credit Limit")
			}
			if err := im.Profile(billing.ProfileLine{ID: billing.ProfileID(first), ProfileParams: p}); err != nil {
				return err
			}
			for n := first; n < next; n++ {
				terms := billing.TopupTermsParams{
					Profile: billing.To(first), Outstanding: billing.To(money.Draw(r, "outstanding")), Overdue: billing.To(money.Draw(r, "overdue")),
					Unbilled: billing.To(money.Draw(r, "unbilled")), PaymentType: words(r, "pays", "card", "card", "card", "direct_debit", "other"),
				}
				var all []billing.NamedLimit
				for _, name := range limits {
					all = append(all, billing.NamedLimit{Name: name, Micros: money.Draw(r, name)})
				}
				terms.Limits = billing.To(all)
				if rapid.Bool().Draw(r, "own") {
					terms.Amount = billing.To(rapid.Int64Range(0, 300_00).Draw(r, "own amount") * (usd / 100))
				}
				line := billing.OwnerLine{
					Owner: billing.Customer(n), Name: billing.To("C"), Currency: billing.To("USD"), Balance: billing.To(money.Draw(r, "balance")), Topup: terms,
				}
				if err := im.Owner(line); err != nil {
					return err
				}
				token := rapid.SampledFrom([]billing.Secret{"tok_ok", "tok_ok", "tok_ok", "tok_declined", "tok_lost"}).Draw(r, "token")
				if err := im.Card(billing.CardLine{ID: billing.CardID(n), Owner: billing.Customer(n), Token: billing.To(token), Primary: billing.To(true)}); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			r.Fatal(err)
		}
		before := k.standings(first, next)
		k.runProfiles(day)
		after := k.standings(first, next)
		for i, b := range before {
			a := after[i]
			moved := a.balance - b.balance
			paid := int64(0)
			switch {
			case a.balance < b.balance || a.terms.Outstanding > b.terms.Outstanding || a.terms.Overdue > b.terms.Overdue || a.terms.Unbilled != b.terms.Unbilled:
				r.Fatalf("customer %d is worse off: %+v, then %+v", first+int64(i), b, a)
			case moved != b.terms.Outstanding-a.terms.Outstanding:
				r.Fatalf("customer %d: credited %d, and the debt fell by %d", first+int64(i), moved, b.terms.Outstanding-a.terms.Outstanding)
			case len(a.expected) > 1:
				r.Fatalf("customer %d is expected to pay %+v", first+int64(i), a.expected)
			}
			for _, ep := range a.expected {
				if expected++; ep.Payment != 0 {
					paid += ep.Amount
					charged++
				}
				if ep.Charge != 0 && ep.Amount > capDay {
					r.Fatalf("%d was to be charged, above the cap", ep.Amount)
				}
			}
			if moved != paid {
				r.Fatalf("customer %d was credited %d and paid %d", first+int64(i), moved, paid)
			}
		}
		k.runProfiles(day.Add(time.Hour))
		if again := k.standings(first, next); fmt.Sprintf("%+v", again) != fmt.Sprintf("%+v", after) {
			r.Fatalf("the second run of the day changed\n%+v\nto\n%+v", after, again)
		}
		for n := first; n < next; n++ { // the next days are others'
			k.ok(errOf(k.engine.UpdateTopupTerms(root(day), billing.TopupTermsParams{Owner: billing.Customer(n), Profile: billing.ToNull[int64]()})))
		}
	})
	t.Logf("%d were expected, %d of them charged", expected, charged)
	// A few cases may well have none; -short has a fifth of them.
	if !testing.Short() && !dbtest.Fewer() && (charged == 0 || expected == charged) {
		t.Error("the cases are too few")
	}
	k.verify()
}

// profileStanding is what a top-up may change of a customer.
type profileStanding struct {
	balance  int64
	terms    billing.TopupTerms
	expected []billing.ExpectedPayment
}

func (k *kit) standings(first, end int64) []profileStanding {
	k.t.Helper()
	var all []profileStanding
	for n := first; n < end; n++ {
		o := billing.Customer(n)
		c, err := k.engine.TopupCustomer(root(t0), o)
		k.ok(err)
		c.Terms.Suspended, c.Terms.Amount = "", nil // a decline suspends; the own amount is a pointer
		list, err := k.engine.ExpectedPayments(root(t0), billing.ExpectedFilter{Owner: o})
		k.ok(err)
		for i := range list {
			list[i].UpdatedAt, list[i].Revision = time.Time{}, 0
		}
		all = append(all, profileStanding{k.balance(o), c.Terms, list})
	}
	return all
}
