package billing

import (
	"strings"
	"time"
)

// CardTerms are what a caller says of a card. Absent stays as it is; null is
// allowed where it says so.
type CardTerms struct {
	CardDetails
	// Number is a gateway's token, or a card number (exchange says when it is
	// taken). It lives in the call only, and so does CVV, which may be null.
	Number   Change[Secret]
	CVV      Change[Secret]
	Holder   Change[string]
	ExpMonth Change[int64] // 1 to 12
	ExpYear  Change[int64] // four digits
	// Primary true takes it from the owner's other card.
	Primary Change[bool]
}

// CardDetails are what is kept of a card for people and for the switch's
// interface; nothing is decided by them.
type CardDetails struct {
	Alias      Change[string]
	Type       Change[CardType]
	Street1    Change[string]
	Street2    Change[string] // may be null: none
	State      Change[string]
	PostalCode Change[string]
	City       Change[string]
	Country    Change[string] // ISO 3166-1 alpha-2, in either case
	Phone      Change[string]
}

// required says which of what a new card needs is missing, the first in the order
// of the switch's page.
func (p *CardTerms) required() error {
	for _, f := range []struct {
		name  string
		given bool
	}{
		{"alias", p.Alias.Given}, {"i_card_type", p.Type.Given}, {"number", p.Number.Given}, {"holder", p.Holder.Given},
		{"exp_mm", p.ExpMonth.Given}, {"exp_yy", p.ExpYear.Given}, {"street_addr1", p.Street1.Given}, {"state", p.State.Given},
		{"postal_code", p.PostalCode.Given}, {"city", p.City.Given}, {"country", p.Country.Given}, {"phone", p.Phone.Given},
	} {
		if !f.given {
			return Errorf(Missing, f.name, "%s is required", f.name)
		}
	}
	return nil
}

// empty reports whether nothing was given.
func (p *CardTerms) empty() bool {
	return !(p.Alias.Given || p.Type.Given || p.Number.Given || p.CVV.Given || p.Holder.Given || p.ExpMonth.Given ||
		p.ExpYear.Given || p.Street1.Given || p.Street2.Given || p.State.Given || p.PostalCode.Given || p.City.Given ||
		p.Country.Given || p.Phone.Given || p.Primary.Given)
}

// into checks the terms and applies them to a card; the number is exchange's, and
// primary is the owner's matter.
func (p *CardTerms) into(c *Card, now time.Time) error {
	if err := p.CardDetails.into(c, p.number()); err != nil {
		return err
	}
	// The gateway knows the brand of a card that it charged or made a token of.
	if told := cardTypeOf(c.Brand); p.Type.Given && !p.Number.Given && c.Fingerprint != "" && told != 0 && told != c.Type {
		return Errorf(Invalid, "i_card_type", "the card is of another type")
	}
	if err := setCardText(&c.Holder, p.Holder, "holder", p.number()); err != nil {
		return err
	}
	if p.Primary.Given && p.Primary.Value == nil {
		return Errorf(Invalid, "primary", "primary is true or false")
	}
	return p.date(c, now)
}

// number are the digits of the card number that the call holds, if it does.
func (p *CardTerms) number() string {
	if p.Number.Value == nil {
		return ""
	}
	digits, ok := cardDigits(p.Number.Value.Reveal())
	if !ok {
		return ""
	}
	return digits
}

func (p *CardTerms) date(c *Card, now time.Time) error {
	if p.ExpMonth.Given {
		m, err := p.ExpMonth.required("exp_mm")
		if err != nil || m < 1 || m > 12 {
			return Errorf(Invalid, "exp_mm", "1 to 12")
		}
		c.ExpMonth = int(m)
	}
	if p.ExpYear.Given {
		y, err := p.ExpYear.required("exp_yy")
		if err != nil || y < 2000 || y > 2099 {
			return Errorf(Invalid, "exp_yy", "four digits")
		}
		c.ExpYear = int(y)
	}
	switch {
	case !p.ExpMonth.Given && !p.ExpYear.Given && !p.Number.Given:
		return nil
	case c.ExpMonth == 0 && c.ExpYear != 0:
		return Errorf(Missing, "exp_mm", "exp_mm is required with exp_yy")
	case c.ExpYear == 0 && c.ExpMonth != 0:
		return Errorf(Missing, "exp_yy", "exp_yy is required with exp_mm")
	case c.ExpiredAt(now) && c.ExpYear < now.Year():
		return Errorf(Invalid, "exp_yy", "the card has expired")
	case c.ExpiredAt(now):
		return Errorf(Invalid, "exp_mm", "the card has expired")
	}
	return nil
}

// maxCardText bounds each text of a card, in bytes.
const maxCardText = 255

// into checks the details and applies them; number is one that must not be in
// any of them.
func (d *CardDetails) into(c *Card, number string) error {
	if err := setCardText(&c.Alias, d.Alias, "alias", number); err != nil {
		return err
	}
	if d.Type.Given {
		t, err := d.Type.required("i_card_type")
		if err != nil || !t.Known() {
			return Errorf(Invalid, "i_card_type", "1 to 6")
		}
		if c.Type = t; c.Fingerprint == "" {
			c.Brand = t.String()
		}
	}
	if d.Street2.Given && d.Street2.Value == nil {
		d.Street2 = To("")
	}
	for _, f := range []struct {
		name string
		text Change[string]
		into *string
	}{
		{"street_addr1", d.Street1, &c.Street1}, {"street_addr2", d.Street2, &c.Street2}, {"state", d.State, &c.Region},
		{"postal_code", d.PostalCode, &c.PostalCode}, {"city", d.City, &c.City}, {"phone", d.Phone, &c.Phone},
	} {
		if err := setCardText(f.into, f.text, f.name, number); err != nil {
			return err
		}
	}
	if d.Country.Given {
		text, err := d.Country.required("country")
		code, ok := LookupCountry(text)
		if err != nil || !ok {
			return Errorf(Invalid, "country", "two letters of ISO 3166-1")
		}
		c.Country = code
	}
	return nil
}

// setCardText takes over a text. What looks like a card number is refused where
// people type one by mistake; a telephone number may look like one.
func setCardText(dst *string, text Change[string], field, number string) error {
	if !text.Given {
		return nil
	}
	s, err := text.required(field)
	if err != nil {
		return err
	}
	digits, isNumber := cardDigits(s)
	switch {
	case len(s) > maxCardText || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return Errorf(Invalid, field, "at most %d bytes, without control characters", maxCardText)
	case number != "" && strings.Contains(digits, number), isNumber && luhn(digits) && field != "phone":
		return Errorf(Invalid, field, "a card number does not belong here")
	}
	*dst = s
	return nil
}
