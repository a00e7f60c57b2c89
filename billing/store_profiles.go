package billing

import "time"

// ProfileReader reads auto top-up profiles, what they know of customers, and what
// they led to.
type ProfileReader interface {
	// Profile is one that is not deleted.
	Profile(ProfileID) (Profile, error)
	Profiles(ListFilter) ([]Profile, error)
	// ProfilesNamed finds those of a name, in any case of ASCII letters.
	ProfilesNamed(string) ([]Profile, error)
	// ExpectedProfiles lists the deleted ones that an expected payment names, by id.
	ExpectedProfiles() ([]Profile, error)
	// ProfileLinked reports whether a customer has the profile.
	ProfileLinked(ProfileID) (bool, error)
	// TopupTerms is NotFound for a customer of whom nothing was told.
	TopupTerms(OwnerID) (TopupTerms, error)
	// TopupTermsList lists by owner.
	TopupTermsList(TopupFilter) ([]TopupTerms, error)
	ExpectedPayment(ExpectedID) (ExpectedPayment, error)
	ExpectedByCharge(ChargeID) (ExpectedPayment, error)
	ExpectedPayments(ExpectedFilter) ([]ExpectedPayment, error)
	// AllExpected lists all of owners that are not deleted, withdrawn ones too, by id.
	AllExpected(after ExpectedID, limit int) ([]ExpectedPayment, error)
	// ExpectedWithCard reports whether an expected payment names the card.
	ExpectedWithCard(CardID) (bool, error)
	// OpenExpected reports whether an expected payment of a profile is open;
	// LastExpected is the newest one's date, deleted ones too, of any profile: empty
	// if there was none.
	OpenExpected(OwnerID) (bool, error)
	LastExpected(OwnerID) (string, error)
	ExpectedType(ExpectedTypeID) (ExpectedType, error)
	// ExpectedTypeNamed finds it in any case of ASCII letters.
	ExpectedTypeNamed(string) (ExpectedType, error)
	ExpectedTypes(ListFilter) ([]ExpectedType, error)
	LetterType(LetterTypeID) (LetterType, error)
	// LetterTypeNamed finds it in any case of ASCII letters.
	LetterTypeNamed(string) (LetterType, error)
	LetterTypes() ([]LetterType, error)
	Letter(LetterID) (Letter, error)
	LetterOf(ExpectedID) (Letter, error)
	// Letters lists an owner's (0: everybody's), ids above after.
	Letters(o OwnerID, after LetterID, limit int) ([]Letter, error)
}

// ProfileWriter writes them.
type ProfileWriter interface {
	// PutProfile inserts or replaces; with a DeletedAt it is deleted.
	PutProfile(*Profile) error
	// DeleteProfile: Conflict while a customer has it.
	DeleteProfile(p ProfileID, at time.Time) error
	// PutTopupTerms inserts or replaces, limits too.
	PutTopupTerms(*TopupTerms) error
	// CreateExpectedPayment inserts, with its id or the next (Exists, field "run_date").
	CreateExpectedPayment(*ExpectedPayment) error
	// SetExpectedPayment replaces what may change: payment, references, revision,
	// deletion.
	SetExpectedPayment(*ExpectedPayment) error
	// PutExpectedType: Exists (field "name").
	PutExpectedType(*ExpectedType) error
	// DeleteExpectedType: NotFound; Conflict for ExpectedTopup, and while it is used.
	DeleteExpectedType(ExpectedTypeID) error
	// PutLetterType: Exists (field "name").
	PutLetterType(*LetterType) error
	// CreateLetter inserts, with its id or the next (Exists).
	CreateLetter(*Letter) error
}

// ListFilter selects records by id and time; zero values let everything through.
type ListFilter struct {
	After        int64
	CreatedSince time.Time // inclusive, as UpdatedSince
	UpdatedSince time.Time
	Limit        int
}

// TopupFilter selects customers' terms.
type TopupFilter struct {
	// Linked: only those that have a profile; Profile: only those that have this one.
	Linked  bool
	Profile ProfileID
	After   OwnerID
	Upto    OwnerID // inclusive; 0: no end
	Limit   int
}

// ExpectedFilter selects expected payments that are not deleted.
type ExpectedFilter struct {
	ListFilter
	Owner   OwnerID // 0: everybody's
	Within  OwnerID // zero: all
	Payment PaymentID
	// Open and Complete select; neither is both.
	Open, Complete bool
}
