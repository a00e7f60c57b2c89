package billing

import (
	"errors"
	"strings"
)

// CardLine is a card to import: a gateway's token, never a number.
type CardLine struct {
	ID              CardID
	Owner           OwnerID
	Gateway         Change[string]
	GatewayCustomer Change[string]
	Token           Change[Secret]
	Brand           Change[string]
	Last4           Change[string]
	ExpMonth        Change[int64]
	ExpYear         Change[int64]
	Holder          Change[string]
	Primary         Change[bool]
	CardDetails
	// Deleted keeps a card that is gone under its id, for the policy that names it.
	Deleted Change[bool]
	Extra   Merge
}

// Card puts one card.
func (im *Importer) Card(l CardLine) (err error) {
	defer counted(&im.done.cards, &err)
	if l.ID < 1 {
		return Errorf(Invalid, "i_debit_credit_card", "ids are above 0")
	}
	if _, err := im.u.owner(l.Owner); err != nil {
		return wrongOwner(l.Owner, err)
	}
	c, err := im.u.tx.Card(l.ID)
	isNew := errors.Is(err, NotFound)
	switch {
	case isNew:
		c = Card{ID: l.ID, Owner: l.Owner, Gateway: im.u.e.firstGateway(), State: CardUsable, AutoCollect: true, Priority: lowerPriority, CreatedAt: im.u.now}
	case err != nil:
		return err
	case c.Owner != l.Owner:
		return Errorf(Conflict, "i_debit_credit_card", "card %d belongs to %s", l.ID, c.Owner)
	}
	set(&c.Gateway, l.Gateway)
	set(&c.GatewayCustomer, l.GatewayCustomer)
	set(&c.Brand, l.Brand)
	set(&c.Last4, l.Last4)
	set(&c.Holder, l.Holder)
	if err := l.details(&c); err != nil {
		return err
	}
	if err := l.Extra.into(&c.Extra); err != nil {
		return err
	}
	if err := im.cardDate(&c, l); err != nil {
		return err
	}
	if c.Last4 != "" && (len(c.Last4) != 4 || strings.Trim(c.Last4, "0123456789") != "") {
		return Errorf(Invalid, "last4", "the last four digits, nothing more")
	}
	if l.deleted(&c) {
		if l.Token.Given {
			return Errorf(Conflict, "token", "card %d was deleted: give the new one another id", l.ID)
		}
		c.Token, c.Primary, l.Primary = nil, false, Change[bool]{}
	}
	token, primary := string(c.Token), c.Primary
	if l.Token.Given {
		if err := im.u.setToken(&c, l.Token); err != nil {
			return err
		}
	}
	set(&c.Primary, l.Primary)
	changed := isNew || string(c.Token) != token || (c.Primary && !primary)
	if c.Primary {
		c.Priority = firstPriority
	}
	c.UpdatedAt = im.u.now
	if err := im.u.tx.PutCard(&c); err != nil {
		if errors.Is(err, Exists) && ErrorField(err) == "primary" {
			return Errorf(Exists, "primary", "%s has another primary card: a line before this one gives that card \"primary\":false", c.Owner)
		}
		return err
	}
	if l.Deleted.Given && c.State == CardDeleted {
		j, err := judgedOf(im.u.tx, c.Owner)
		if err == nil {
			err = im.u.endRulesOf(&j, &c)
		}
		if err != nil {
			return err
		}
	}
	if changed { // a new or changed card ends a suspension
		j, err := judgedOf(im.u.tx, c.Owner)
		if err != nil {
			return err
		}
		if err := im.u.resume(&j); err != nil {
			return err
		}
	}
	return im.judgeSoon(c.Owner, false)
}

// details takes over alias, type and address; null is none.
func (l *CardLine) details(c *Card) error {
	d := l.CardDetails
	for _, f := range []struct {
		text *Change[string]
		into *string
	}{
		{&d.Alias, &c.Alias}, {&d.Street1, &c.Street1}, {&d.Street2, &c.Street2}, {&d.State, &c.Region},
		{&d.PostalCode, &c.PostalCode}, {&d.City, &c.City}, {&d.Country, &c.Country}, {&d.Phone, &c.Phone},
	} {
		if f.text.Given && f.text.Value == nil {
			*f.text, *f.into = Change[string]{}, ""
		}
	}
	if d.Type.Given && d.Type.Value == nil {
		d.Type, c.Type = Change[CardType]{}, 0
	}
	if d.Type.Given { // the brand is the line's own
		if !d.Type.Value.Known() {
			return Errorf(Invalid, "i_card_type", "1 to 6")
		}
		c.Type, d.Type = *d.Type.Value, Change[CardType]{}
	}
	return d.into(c, "")
}

// deleted marks a card that is gone. There is no way back: its id stands for it in
// the history.
func (l *CardLine) deleted(c *Card) bool {
	if l.Deleted.Value != nil && *l.Deleted.Value {
		c.State, c.Aside = CardDeleted, ""
	}
	if c.State != CardDeleted {
		return false
	}
	c.Alias, c.CardAddress = "", CardAddress{}
	return true
}

func (im *Importer) cardDate(c *Card, l CardLine) error {
	if l.ExpMonth.Given && l.ExpMonth.Value != nil {
		if m := *l.ExpMonth.Value; m < 1 || m > 12 {
			return Errorf(Invalid, "exp_mm", "1 to 12")
		}
		c.ExpMonth = int(*l.ExpMonth.Value)
	}
	if l.ExpYear.Given && l.ExpYear.Value != nil {
		if y := *l.ExpYear.Value; y < 2000 || y > 2199 {
			return Errorf(Invalid, "exp_yy", "four digits")
		}
		c.ExpYear = int(*l.ExpYear.Value)
	}
	return nil
}

// setToken seals a token into a card; a new token makes an aside card usable.
func (u *unitOfWork) setToken(c *Card, t Change[Secret]) error {
	plain, err := t.required("token")
	if err != nil || plain == "" {
		return Errorf(Invalid, "token", "a gateway token")
	}
	if looksLikeCardNumber(plain.Reveal()) {
		return Errorf(Invalid, "token", "a card holds a gateway token, never a card number")
	}
	if len(c.Token) > 0 {
		if old, err := u.e.sealer.Open(c.Token, cardAAD(c.ID)); err == nil && old == plain {
			return nil
		}
	}
	if c.Token, err = u.e.sealer.Seal(plain, cardAAD(c.ID)); err != nil {
		return sealFault("token", err)
	}
	c.Fingerprint = ""
	if c.State == CardAside {
		c.State, c.Aside = CardUsable, ""
	}
	return nil
}
