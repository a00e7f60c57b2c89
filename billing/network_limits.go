package billing

import (
	"fmt"
	"strings"
	"time"
)

// networkLimit is what a card network allows of declined tries on one card.
// Going on costs the operator a fee for each, and in the end the contract.
type networkLimit struct {
	within     time.Duration
	tries      int
	sameAmount bool // counts the tries of one amount only
}

// The networks' rules (DESIGN section 5): Visa, 15 re-attempts of a card and
// amount in 30 days; Mastercard, 10 a day and 35 in 30 days.
var networkLimits = map[string][]networkLimit{
	"visa":       {{within: 30 * day, tries: 15, sameAmount: true}},
	"mastercard": {{within: day, tries: 10}, {within: 30 * day, tries: 35}},
}

const (
	day = 24 * time.Hour
	// networkWindow is the longest window, networkTries the most tries that any
	// rule looks at: what has to be read.
	networkWindow = 30 * day
	networkTries  = 200
)

var brandMarks = strings.NewReplacer(" ", "", "-", "", "_", "")

// networkOf is the network of a brand as gateways and imports write it.
func networkOf(brand string) string {
	b := strings.ToLower(brandMarks.Replace(brand))
	switch {
	case strings.HasPrefix(b, "visa"):
		return "visa"
	case strings.HasPrefix(b, "mastercard"), b == "mc", strings.HasPrefix(b, "maestro"):
		return "mastercard"
	}
	return b
}

// networkFree is when a card network allows the next try of an amount; zero is
// now. tries are the declined ones, newest first.
func networkFree(brand string, tries []DeclinedTry, unit Unit, gross int64, now time.Time) time.Time {
	var free time.Time
	for _, l := range networkLimits[networkOf(brand)] {
		var counted []time.Time
		for _, t := range tries {
			if t.At.After(now.Add(-l.within)) && (!l.sameAmount || t.Unit == unit && t.Gross == gross) {
				counted = append(counted, t.At)
			}
		}
		if len(counted) < l.tries {
			continue
		}
		// The oldest of the last l.tries has to fall out of the window.
		if at := counted[l.tries-1].Add(l.within); at.After(free) {
			free = at
		}
	}
	return free
}

// Print is what the networks' limits count a card by.
func (c *Card) Print() string {
	if c.Fingerprint != "" {
		return c.Gateway + ":" + c.Fingerprint
	}
	return causeOf("card", int64(c.ID))
}

// takes narrows the choice of a card to what may be charged now: not what could not be
// credited to the owner, an amount that the gateway refuses, or tries that the network
// forbids. The card pays tax and fee on top of the credit.
func (e *Engine) takes(r Reader, choice CardChoice, j *Judged, credit, tax, fee int64, now time.Time) (CardChoice, error) {
	unit := j.Owner.Currency
	if _, err := AddMicros(j.Bucket.Balance, credit); err != nil {
		return CardChoice{Reason: ReasonNoRoom, Detail: fmt.Sprintf("%s could not be added to the balance", Money(credit, unit))}, nil
	}
	gross, err := AddMicros(credit, tax)
	if err == nil {
		gross, err = AddMicros(gross, fee)
	}
	if err != nil {
		return CardChoice{Reason: ReasonAmountRefused, Detail: err.Error()}, nil
	}
	if choice.Reason != ReasonCharge || gross <= 0 {
		return choice, nil
	}
	if err := e.gateways[choice.Card.Gateway].Chargeable(Money(gross, unit)); err != nil {
		return CardChoice{Reason: ReasonAmountRefused, Detail: err.Error()}, nil
	}
	if networkLimits[networkOf(choice.Card.Brand)] == nil {
		return choice, nil
	}
	tries, err := r.DeclinedTries(choice.Card.Print(), now.Add(-networkWindow), networkTries)
	if err != nil {
		return choice, err
	}
	if free := networkFree(choice.Card.Brand, tries, unit, gross, now); free.After(now) {
		return CardChoice{Reason: ReasonNetworkLimit, Detail: choice.Card.Label(), FreeAt: free}, nil
	}
	return choice, nil
}
