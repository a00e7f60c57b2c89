package billing

import (
	"errors"
	"time"
	"unicode/utf8"
)

// ExpectedTypeLine is an expected_payment_type line.
type ExpectedTypeLine struct {
	ID ExpectedTypeID
	ExpectedTypeParams
}

// ExpectedType puts one type of expected payments.
func (im *Importer) ExpectedType(l ExpectedTypeLine) error {
	if l.ID <= ExpectedTopup {
		return Errorf(Invalid, "id", "ids are above %d, which profiles have", ExpectedTopup)
	}
	t, err := im.u.tx.ExpectedType(l.ID)
	switch {
	case errors.Is(err, NotFound) && !l.Name.Given:
		return Errorf(Missing, "name", "name is missing")
	case errors.Is(err, NotFound):
		t = ExpectedType{ID: l.ID, CreatedAt: im.u.now}
	case err != nil:
		return err
	}
	t.UpdatedAt = im.u.now
	if err := t.change(l.ExpectedTypeParams); err != nil {
		return err
	}
	return im.u.putExpectedType(&t)
}

// ExpectedLine is an expected_payment line: what an export wrote. An import changes none
// that is there.
type ExpectedLine struct {
	ID                ExpectedID
	Customer          OwnerID
	Type              ExpectedTypeID
	Profile           ProfileID // with Type ExpectedTopup alone
	Date              string
	Amount            int64
	Method            CollectMethod
	Reason            string
	Card              CardID // with Method CollectCard alone
	OurReference      string
	CustomerReference string
	Revision          int64
	Created           time.Time
	Updated           time.Time
	Fulfilled         time.Time // zero: open
	Withdrawn         time.Time // zero: not withdrawn
}

// Expected puts one expected payment. It charges and books nothing: what is open stays
// so until somebody says which payment fulfilled it, or withdraws it.
func (im *Importer) Expected(l ExpectedLine) (err error) {
	defer counted(&im.done.expected, &err)
	if l.ID < 1 || l.Revision < 1 {
		return Errorf(Invalid, "id", "ids and revisions are above 0")
	}
	o, err := im.u.owner(l.Customer)
	if err != nil {
		return wrongOwner(l.Customer, err)
	}
	ep := ExpectedPayment{
		ID: l.ID, Owner: o.ID, Top: o.Top, Type: l.Type, Profile: l.Profile, Date: l.Date, Amount: l.Amount, Unit: o.Currency,
		Method: l.Method, Reason: Reason(l.Reason), Card: l.Card, Imported: true, FulfilledAt: l.Fulfilled,
		OurReference: l.OurReference, CustomerReference: l.CustomerReference, Revision: l.Revision,
		CreatedAt: l.Created, UpdatedAt: l.Updated, DeletedAt: l.Withdrawn,
	}
	switch was, err := im.u.tx.ExpectedPayment(l.ID); {
	case err == nil && was.same(&ep):
		return nil
	case err == nil:
		return Errorf(Conflict, "id", "expected payment %d is another one and never changes", l.ID)
	case !errors.Is(err, NotFound):
		return err
	}
	if err := im.fitsExpected(&ep); err != nil {
		return err
	}
	err = im.u.tx.CreateExpectedPayment(&ep)
	switch {
	case errors.Is(err, Exists):
		return Errorf(Exists, "date", "the profile expects another payment of %s on %s", ep.Owner, ep.Date)
	case errors.Is(err, NotFound):
		return Errorf(NotFound, "autoTopupProfileID", "there is no profile %d", ep.Profile)
	}
	return err
}

// same reports whether two say the same of what never changes.
func (ep *ExpectedPayment) same(o *ExpectedPayment) bool {
	return ep.Owner == o.Owner && ep.Type == o.Type && ep.Profile == o.Profile && ep.Date == o.Date && ep.Amount == o.Amount &&
		ep.Unit == o.Unit && ep.Method == o.Method && ep.Card == o.Card && ep.CreatedAt.Equal(o.CreatedAt)
}

// fitsExpected names the member that the database would refuse without a word.
func (im *Importer) fitsExpected(ep *ExpectedPayment) error {
	if _, err := time.Parse(time.DateOnly, ep.Date); err != nil {
		return Errorf(Invalid, "date", "a date is needed, such as 2026-11-22")
	}
	cur, _ := LookupCurrency(string(ep.Unit))
	switch {
	case ep.Amount <= 0 || ep.Amount > MaxCharge || !cur.Whole(ep.Amount):
		return Errorf(Invalid, "amount", "above 0, at most %s, with at most %d decimals", FormatMicros(MaxCharge), cur.Digits)
	case (ep.Type == ExpectedTopup) != (ep.Profile != 0):
		return Errorf(Invalid, "autoTopupProfileID", "a top-up has a profile, nothing else has one")
	case ep.Profile == 0 && ep.Method != CollectNone:
		return Errorf(Invalid, "method", "only a top-up is collected")
	case ep.Method != CollectNone && ep.Method != CollectCard && ep.Method != CollectDirectDebit:
		return Errorf(Invalid, "method", "allowed: none, card, direct_debit")
	case (ep.Method == CollectCard) != (ep.Card != 0):
		return Errorf(Invalid, "i_debit_credit_card", "method card has a card, the others have none")
	}
	if _, err := im.u.tx.ExpectedType(ep.Type); err != nil {
		if errors.Is(err, NotFound) {
			return Errorf(NotFound, "expectedPaymentType", "there is no type %d", ep.Type)
		}
		return err
	}
	if ep.Card != 0 {
		card, err := im.u.tx.Card(ep.Card)
		if errors.Is(err, NotFound) || err == nil && card.Owner != ep.Owner {
			return Errorf(NotFound, "i_debit_credit_card", "%s has no card %d", ep.Owner, ep.Card)
		}
		if err != nil {
			return err
		}
	}
	return ep.checkReferences()
}

// LetterLine is a correspondence line: what an export wrote.
type LetterLine struct {
	ID        LetterID
	Expected  ExpectedID
	Type      string
	Recipient string
	Subject   string
	Body      string
	Created   time.Time
	Delivered time.Time // zero: it was not, and is not sent by this database
}

// The bounds of an imported letter's texts.
const (
	maxLetterLine = 1000
	maxLetterBody = 100_000
)

// Letter puts one letter, which is not sent again. Its notice says so.
func (im *Importer) Letter(l LetterLine) error {
	if l.ID < 1 {
		return Errorf(Invalid, "id", "ids are above 0")
	}
	for _, text := range []struct {
		field, value string
		most         int
	}{{"recipient", l.Recipient, maxLetterLine}, {"subject", l.Subject, maxLetterLine}, {"body", l.Body, maxLetterBody}} {
		if utf8.RuneCountInString(text.value) > text.most {
			return Errorf(Invalid, text.field, "at most %d characters", text.most)
		}
	}
	kind, err := im.u.tx.LetterTypeNamed(l.Type)
	if errors.Is(err, NotFound) {
		return Errorf(NotFound, "correspondenceType", "there is no correspondence type of this name")
	}
	if err != nil {
		return err
	}
	ep, err := im.u.tx.ExpectedPayment(l.Expected)
	if errors.Is(err, NotFound) {
		return Errorf(NotFound, "expectedPayment", "there is no expected payment %d", l.Expected)
	}
	if err != nil {
		return err
	}
	switch was, err := im.u.tx.LetterOf(ep.ID); {
	case err == nil && was.ID == l.ID:
		return nil
	case err == nil:
		return Errorf(Conflict, "expectedPayment", "letter %d is about this expected payment", was.ID)
	case !errors.Is(err, NotFound):
		return err
	}
	n := Notice{
		Owner: ep.Owner, Top: ep.Top, Kind: NoticeTopup, Cause: causeOf("topup", int64(ep.ID)), To: l.Recipient, Subject: l.Subject,
		Body: l.Body, State: NoticeFailed, Error: "imported", CreatedAt: l.Created, SentAt: l.Delivered,
	}
	switch {
	case !l.Delivered.IsZero():
		n.State, n.Error = NoticeSent, ""
	case l.Recipient == "":
		n.State, n.Error = NoticeNoMail, ""
	}
	if err := im.u.tx.CreateNotice(&n); err != nil {
		return err
	}
	err = im.u.tx.CreateLetter(&Letter{ID: l.ID, Owner: ep.Owner, Top: ep.Top, Type: kind.ID, Expected: ep.ID, Notice: n.ID, CreatedAt: l.Created})
	if errors.Is(err, Exists) {
		return Errorf(Exists, "id", "letter %d is another one", l.ID)
	}
	return err
}
