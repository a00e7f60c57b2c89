package billing

// learnCard keeps what a gateway tells about a card: the network may have renewed
// it, and its fingerprint is known only from its first payment on.
func (u *unitOfWork) learnCard(c *Charge, told *GatewayCard) error {
	if told == nil {
		return nil
	}
	card, err := u.tx.Card(c.Card)
	if err != nil {
		return err
	}
	if card.UpdatedAt.After(c.CreatedAt) || !card.learn(*told) {
		return nil // another token was given meanwhile, or nothing is new
	}
	was := card
	if err := u.heldWith(&card); err != nil {
		return err
	}
	card.UpdatedAt = u.now
	if err := u.tx.PutCard(&card); err != nil {
		return err
	}
	return u.auditAside(&was, &card)
}

// heldWith puts a card aside whose fingerprint is that of one put aside for a dispute or
// a fraud warning, also of one that was deleted since: it is the same card under another
// token, and a person lifts that.
func (u *unitOfWork) heldWith(c *Card) error {
	if c.Fingerprint == "" || c.State != CardUsable {
		return nil
	}
	same, err := u.tx.CardsByFingerprint(c.Gateway, c.Fingerprint)
	if err != nil {
		return err
	}
	for i := range same {
		if same[i].State != CardUsable && same[i].heldForDispute() {
			c.State, c.Aside = CardAside, same[i].Aside
		}
	}
	return nil
}

// learn takes over what is known and differs.
func (c *Card) learn(told GatewayCard) (changed bool) {
	for _, f := range []struct {
		have *string
		told string
	}{{&c.GatewayCustomer, told.Customer}, {&c.Fingerprint, told.Fingerprint}, {&c.Brand, told.Brand}, {&c.Last4, told.Last4}} {
		if f.told != "" && *f.have != f.told {
			*f.have, changed = f.told, true
		}
	}
	if told.ExpYear != 0 && told.ExpMonth != 0 && (c.ExpYear != told.ExpYear || c.ExpMonth != told.ExpMonth) {
		c.ExpYear, c.ExpMonth, changed = told.ExpYear, told.ExpMonth, true
	}
	return changed
}

// tokenReplaced reports whether the card was given another token since the attempt
// was made: what the issuer said is about a card that is gone.
func (u *unitOfWork) tokenReplaced(c *Charge, a *Attempt) (bool, error) {
	card, err := u.tx.Card(c.Card)
	if err != nil || len(a.Token) == 0 || len(card.Token) == 0 {
		return false, err
	}
	was, err := u.e.sealer.Open(a.Token, cardAAD(card.ID))
	if err != nil {
		return false, nil // sealed with a key that is not set: nobody can tell
	}
	now, err := u.e.sealer.Open(card.Token, cardAAD(card.ID))
	return err == nil && was != now, nil
}

// putAside keeps a card, under every token that it has, from being charged again.
func (u *unitOfWork) putAside(id CardID, why string) error {
	card, err := u.tx.Card(id)
	if err != nil {
		return err
	}
	same := []Card{card}
	if card.Fingerprint != "" {
		if same, err = u.tx.CardsByFingerprint(card.Gateway, card.Fingerprint); err != nil {
			return err
		}
	}
	for i := range same {
		if same[i].State != CardUsable && !(same[i].asideByDispute() && why != asideDispute && why != asideFraud) {
			continue // a decline weighs more than a dispute, which a person may lift
		}
		was := same[i]
		same[i].State, same[i].Aside, same[i].UpdatedAt = CardAside, why, u.now
		if err := u.tx.PutCard(&same[i]); err != nil {
			return err
		}
		if err := u.auditAside(&was, &same[i]); err != nil {
			return err
		}
	}
	return nil
}
