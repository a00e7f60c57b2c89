package billing

import "errors"

// ProfileLine is an auto_topup_profile line; what is absent takes its default.
type ProfileLine struct {
	ID ProfileID
	// Deleted: only expected payments name it.
	Deleted bool
	ProfileParams
}

// Profile puts one profile.
func (im *Importer) Profile(l ProfileLine) (err error) {
	defer counted(&im.done.profiles, &err)
	if l.ID < 1 {
		return Errorf(Invalid, "id", "ids are above 0")
	}
	p, err := im.u.tx.Profile(l.ID)
	if err == nil && l.Deleted {
		return Errorf(Conflict, "deleted", "profile %d is there and is not deleted by an import", l.ID)
	}
	if errors.Is(err, NotFound) {
		if !l.Name.Given {
			return Errorf(Missing, "name", "name is missing")
		}
		p, err = newProfile(im.u), nil
		p.ID = l.ID
	}
	if err != nil {
		return err
	}
	if err := im.u.changeProfile(&p, l.ProfileParams); err != nil {
		return err
	}
	if l.Customer.Given && p.Customer != 0 {
		if err := im.u.linkedOnlyBy(&p); err != nil {
			return err
		}
	}
	if p.UpdatedAt = im.u.now; l.Deleted {
		p.DeletedAt = im.u.now
	}
	return im.u.tx.PutProfile(&p)
}

// LetterTypeLine is a correspondence_type line.
type LetterTypeLine struct {
	ID   LetterTypeID
	Name Change[string]
}

// LetterType puts one correspondence type.
func (im *Importer) LetterType(l LetterTypeLine) error {
	if l.ID < 1 {
		return Errorf(Invalid, "id", "ids are above 0")
	}
	name, err := l.Name.required("name")
	if err != nil {
		return err
	}
	_, err = im.u.putLetterType(l.ID, name)
	return err
}

// topup puts a customer's terms. It comes last: a profile that is not there yet lets the
// line be put again, and the customer, who may be the profile's own, is there by then.
func (im *Importer) topup(o *Owner, p TopupTermsParams) error {
	if o.ID.IsAccount() || p.empty() {
		return nil
	}
	before, err := im.u.topupTerms(o)
	if err != nil {
		return err
	}
	p.Owner = o.ID
	_, err = im.u.changeTopupTerms(o, before, p, mandateImported)
	return err
}
