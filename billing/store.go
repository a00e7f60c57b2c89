package billing

import (
	"context"
	"iter"
	"time"
)

// Store keeps everything. It decides nothing. Its errors are *Error with the
// codes NotFound, Exists (a unique rule was broken: Field names it), Conflict
// (a CHECK was broken), Busy and Internal; an adapter adds no words for people.
type Store interface {
	// View runs fn on one consistent snapshot.
	View(ctx context.Context, fn func(Reader) error) error
	// Update runs fn in a transaction and returns nil only when its change is
	// durable (W1). Several callers share one commit: fn runs in a savepoint,
	// its error undoes only itself, a failed commit fails all of its group, and
	// fn may run more than once, so it has no effect outside its Tx.
	Update(ctx context.Context, fn func(Tx) error) error
	// UpdateOwners is Update for a function that names the owners it is about: it changes only what is theirs,
	// appends to the ledger and the histories, and whatever else it reads may be changed by nobody but Update.
	// An engine with many writers (PostgreSQL) runs it beside those of other owners, and alone when it turns out
	// to go further; Update always runs alone. On SQLite both are the same.
	UpdateOwners(ctx context.Context, owners []OwnerID, fn func(Tx) error) error
	// Tell wakes the other servers on the database that wait for a topic; Hear calls back, until ctx is done, for
	// each that another told, and with the empty topic when some may have been lost. The rows are the queue: a
	// wake-up may come too often or never.
	Tell(topic string)
	Hear(ctx context.Context, heard func(topic string))
	// Instance is a random name made with the database; it is part of every
	// gateway key.
	Instance() string
	// Verify checks the invariants that Discrepancy names, and returns what differs, at most
	// limit.
	Verify(ctx context.Context, limit int) ([]Discrepancy, error)
	// Doubt says what of the database's set-up would lose acknowledged changes when its
	// machine fails; empty is nothing.
	Doubt() string
	// Ping says whether the database answers.
	Ping(ctx context.Context) error
	// Backup writes a consistent copy; Invalid where the engine cannot.
	Backup(ctx context.Context, path string) error
	Close() error
}

// Reader is what may be asked. Each method that names one record returns
// NotFound when there is none. Lists come in id order unless said otherwise.
type Reader interface {
	OwnerReader
	PolicyReader
	CardReader
	LedgerReader
	ChargeReader
	PaymentReader
	RefundReader
	SendingReader
	PlanReader
	RunReader
	NoticeReader
	LoginReader
	ObjectReader
	AuditReader
	VoucherReader
	ProfileReader
	SubscriptionReader
	TokenReader
	AnswerReader
	PoolReader
	EventReader
	BalanceActionReader
	AdjustmentReader
	TransferReader
	ReservationReader
	BucketReader
	ServiceReader
	BalanceTopupReader
}

// Tx is a Reader that writes. A Put inserts a record whose ID is zero (and
// sets it) or is not there yet, and replaces one that is.
type Tx interface {
	Reader
	OwnerWriter
	PolicyWriter
	CardWriter
	LedgerWriter
	ChargeWriter
	RefundWriter
	SendingWriter
	PlanWriter
	RunWriter
	NoticeWriter
	LoginWriter
	ObjectWriter
	AuditWriter
	VoucherWriter
	ProfileWriter
	SubscriptionWriter
	TokenWriter
	AnswerWriter
	// Part runs fn inside the transaction; its error undoes what it wrote and no more.
	Part(fn func() error) error
	PoolWriter
	EventWriter
	BalanceActionWriter
	AdjustmentWriter
	TransferWriter
	ReservationWriter
	BucketWriter
	ServiceWriter
	BalanceTopupWriter
}

// OwnerReader reads owners and their standing.
type OwnerReader interface {
	Owner(OwnerID) (Owner, error)
	// AccountByUsername finds an account by the name the switch knows it by.
	AccountByUsername(username string) (Owner, error)
	// Above is the union of the blocks of the customers above the owner, and
	// whether one of them is held. It reads the Path's customers but the owner.
	Above(Owner) (blocks Block, held bool, err error)
	// Owners lists owners below (and including) a customer, ids above after.
	// kind filters; limit bounds.
	Owners(f OwnerFilter) ([]Owner, error)
	// MaxOwnerNumber is the highest number of a kind that was ever used, 0 if none.
	MaxOwnerNumber(OwnerKind) (int64, error)
	// AccountByGroup finds the account of a balance group.
	AccountByGroup(group int64) (Owner, error)
	// AccountNamed finds an account by its username.
	AccountNamed(username string) (Owner, error)
	// CustomersNamed lists the customers of a name, by id.
	CustomersNamed(name string) ([]Owner, error)
	// OwnerRows lists owners with their balance, by id: one query for all.
	OwnerRows(OwnerRowFilter) ([]OwnerRow, error)
	// Unfinished is what keeps an owner from being deleted.
	Unfinished(OwnerID) (Unfinished, error)
}

// OwnerRow is what lists show of an owner, and no more: they are long.
type OwnerRow struct {
	ID          OwnerID
	Name        string
	Username    string
	Currency    Unit
	CreditLimit *int64
	Blocked     Block
	ExpiresAt   time.Time
	Balance     int64 // of its own currency
	// Login is the first login of a customer, by name; empty if it has none.
	// Extra and Login are a customer's only.
	Login string
	Extra string
}

// Expired reports whether an account's lifetime is over.
func (r *OwnerRow) Expired(now time.Time) bool {
	return !r.ExpiresAt.IsZero() && !now.Before(r.ExpiresAt)
}

// OwnerRowFilter selects owners of one kind.
type OwnerRowFilter struct {
	Kind OwnerKind
	// Parent lists its direct children only; zero: all but root.
	Parent OwnerID
	Offset int64
	Limit  int64 // 0: all
}

// Unfinished is what of an owner is not settled yet.
type Unfinished struct {
	Money    bool // a bucket that is not empty, or with something reserved
	Charges  bool
	Periods  bool
	Disputes bool // open, or not lifted by a person
	Refunds  bool
	Children bool // accounts or sub-customers
}

// OwnerFilter selects owners.
type OwnerFilter struct {
	Within OwnerID // zero: all
	Kind   *OwnerKind
	After  OwnerID
	Limit  int
}

// OwnerWriter writes owners.
type OwnerWriter interface {
	// PutOwner inserts or replaces. Username (accounts) is unique when set.
	PutOwner(*Owner) error
	// DeleteOwner marks an owner deleted and frees its username and balance group.
	// Its policy, its place in a plan and its logins are dropped, its cards are
	// deleted without their tokens, its mandates and bearer tokens revoked, its subscriptions
	// to events ended. Deleted owners are in no list and under no name; their row, postings and charges stay.
	DeleteOwner(o OwnerID, at time.Time) error
	// SetBlocked replaces the block causes.
	SetBlocked(o OwnerID, b Block, at time.Time) error
	// SetHeld holds or releases a customer (all below it too) or an account;
	// it returns how many owners changed.
	SetHeld(o OwnerID, held bool, at time.Time) (int64, error)
}

// Judged is what a judgement needs of one owner, in one read: the owner, its
// money bucket, its policy (zero if never configured), and whether something is open.
type Judged struct {
	Owner      Owner
	Bucket     Bucket
	Policy     LowBalance
	Configured bool
	// OpenCharge is the owner's open automatic charge, 0 if none.
	OpenCharge ChargeID
	// OpenPeriods: the owner has billing periods that are not settled.
	OpenPeriods bool
}

// Available is balance + credit limit - reserved; nil when the limit is
// unlimited. Root is never low.
func (j *Judged) Available() *int64 {
	if j.Owner.CreditLimit == nil || j.Owner.ID == Root {
		return nil
	}
	a := saturate(saturate(j.Bucket.Balance, *j.Owner.CreditLimit), -j.Bucket.Reserved)
	return &a
}

// PolicyReader reads low-balance policies.
type PolicyReader interface {
	// OwnerPolicy reads an owner with its policy (Bucket and what is open are
	// not filled): the hot path of getLowBalance.
	OwnerPolicy(OwnerID) (Judged, error)
	// Judged reads all of it; in a Tx it locks the owner until the end.
	Judged(OwnerID) (Judged, error)
	// DueJudgements lists owners whose JudgeAt is at or before now, oldest
	// first. Its cost follows what it returns, not the number of policies.
	DueJudgements(now time.Time, limit int) ([]OwnerID, error)
	// Policies lists judged owners that have a policy, by id.
	Policies(f PolicyFilter) ([]Judged, error)
}

// PolicyFilter selects policies.
type PolicyFilter struct {
	Within OwnerID // zero: all
	// Below: only owners whose last judgement was below.
	Below bool
	After OwnerID
	Limit int
}

// PolicyWriter writes low-balance policies.
type PolicyWriter interface {
	// PutLowBalance inserts or replaces the policy with its state.
	PutLowBalance(*LowBalance) error
	// PutLowBalanceTerms replaces all but the state of a policy that is there.
	PutLowBalanceTerms(*LowBalance) error
	// PutLowBalanceState replaces only the state.
	PutLowBalanceState(OwnerID, LowBalanceState) error
	// JudgeWithin sets JudgeAt of every policy with a threshold of an account,
	// or of a customer and all below it: what held them back ended.
	JudgeWithin(o OwnerID, at time.Time) error
	// KeepDecision appends to the decision history.
	KeepDecision(*Decision) error
}

// CardReader reads cards and mandates.
type CardReader interface {
	Card(CardID) (Card, error)
	// CardsOf lists an owner's cards, deleted ones too.
	CardsOf(OwnerID) ([]Card, error)
	// Cards lists all cards by id, for export and rekey.
	Cards(after CardID, limit int) ([]Card, error)
	// SealedCards are the first and the last card that have a token, for a look
	// at the key; none when no card has one.
	SealedCards() ([]Card, error)
	// ExpiringCards lists usable cards whose last month is year and month, ids
	// above after.
	ExpiringCards(year, month int, after CardID, limit int) ([]Card, error)
	// CardsByFingerprint lists the cards of a gateway that are one card, of
	// whichever owner.
	CardsByFingerprint(gateway, fingerprint string) ([]Card, error)
	// CardsOfCustomer lists the cards that a gateway keeps under one customer of its
	// own; the empty name is those without one.
	CardsOfCustomer(gateway, customer string) ([]Card, error)
	// ActiveMandate is the newest mandate of the purpose that is not revoked.
	ActiveMandate(OwnerID, Purpose) (Mandate, error)
	// Mandates lists an owner's, revoked ones too, newest first.
	Mandates(OwnerID) ([]Mandate, error)
}

// CardWriter writes cards and mandates.
type CardWriter interface {
	// PutCard inserts or replaces. An owner has at most one primary card that
	// is not deleted (Exists, field "primary").
	PutCard(*Card) error
	// ResealCard replaces a card's sealed token, if it is still the one given;
	// nothing else of the card changes. It reports whether it was.
	ResealCard(id CardID, was, now []byte) (bool, error)
	// PutMandate appends a mandate and revokes the purpose's earlier ones.
	PutMandate(*Mandate) error
	// RevokeMandates ends the purpose's mandates.
	RevokeMandates(o OwnerID, p Purpose, at time.Time) error
}

// LedgerReader reads buckets and postings.
type LedgerReader interface {
	// Bucket is zero when nothing was ever posted.
	Bucket(OwnerID, Unit) (Bucket, error)
	PostingByCause(cause string) (Posting, error)
	// Postings lists an owner's postings, newest first, ids below before (0: all).
	Postings(o OwnerID, before PostingID, limit int) ([]Posting, error)
}

// LedgerWriter writes postings.
type LedgerWriter interface {
	// Post books a valid posting and moves its buckets' balances; it sets the
	// ID. Errors: Exists (field "cause"), Overflow.
	Post(*Posting) error
}

// ChargeReader reads charges and what led to them.
type ChargeReader interface {
	Charge(ChargeID) (Charge, error)
	ChargeByCause(cause string) (Charge, error)
	Attempts(ChargeID) ([]Attempt, error)
	// AutomaticSince lists an owner's automatic charges that were not
	// cancelled, newest first.
	AutomaticSince(o OwnerID, since time.Time) ([]AutomaticCharge, error)
	// PaidSince is the newest charge by hand of the owner, card, credit, acting
	// customer and login that was made after a time and was not cancelled.
	PaidSince(o OwnerID, card CardID, credit int64, by OwnerID, login string, since time.Time) (Charge, error)
	// PaidWithInput is the same by the hash of the call's input, whatever the card's row.
	PaidWithInput(o OwnerID, input string, by OwnerID, login string, since time.Time) (Charge, error)
	// Charges lists newest first.
	Charges(ChargeFilter) ([]Charge, error)
	// DueCharges lists charges whose DueAt is at or before Now and whose lease
	// is over at the Real time, oldest due first.
	DueCharges(DueFilter) ([]DueCharge, error)
	// AttemptByKey finds an attempt by its key, AttemptByRef by the gateway's id:
	// the newest that has it.
	AttemptByKey(key string) (Attempt, error)
	AttemptByRef(gateway, ref string) (Attempt, error)
	// SealedAttempts lists the attempts that hold a sealed token: those not settled.
	SealedAttempts() ([]SealedAttempt, error)
	// DeclinedTries lists the declined attempts on a card since a time, newest first.
	DeclinedTries(print string, since time.Time, limit int) ([]DeclinedTry, error)
	// Decisions lists an owner's (0: everybody's) decisions, newest first.
	Decisions(o OwnerID, before int64, limit int) ([]Decision, error)
	// RunTally counts the charges, mails and posted periods of a run, by what
	// became of them.
	RunTally(RunID) (Tally, error)
}

// DueCharge is a charge that a worker may take up, and whose it is.
type DueCharge struct {
	ID    ChargeID
	Owner OwnerID
}

// DueFilter selects the charges that a worker may take up.
type DueFilter struct {
	Now, Real time.Time
	// Except are gateways that are not to be called, at most MaxSpared.
	Except []string
	// AskOnly leaves out what is not sent yet.
	AskOnly bool
	Limit   int
}

// MaxSpared is how many gateways a DueFilter may leave out.
const MaxSpared = 4

// SealedAttempt is the sealed token of an attempt of a card.
type SealedAttempt struct {
	Charge ChargeID
	N      int
	Card   CardID
	Token  []byte
}

// DeclinedTry is a declined attempt as the card networks count it.
type DeclinedTry struct {
	At    time.Time
	Unit  Unit
	Gross int64
}

// ChargeFilter selects charges.
type ChargeFilter struct {
	Within OwnerID
	Owner  OwnerID
	State  ChargeState
	Run    RunID
	Before ChargeID // 0: from the newest
	Limit  int
}

// ChargeWriter writes charges and attempts.
type ChargeWriter interface {
	// CreateCharge inserts. Errors: Exists with field "cause" (the need was
	// answered already) or "open_charge" (C6).
	CreateCharge(*Charge) error
	// SetCharge replaces what changes in a charge's life: state, attempt,
	// due, lease, reason, posting, settled. Amount, card and cause never do.
	SetCharge(*Charge) error
	// AddAttempt inserts (Exists, field "key").
	AddAttempt(*Attempt) error
	// SetAttempt replaces an attempt's outcome.
	SetAttempt(*Attempt) error
	// ResealAttempt replaces a sealed token; false if it is not what it was.
	ResealAttempt(c ChargeID, n int, was, now []byte) (bool, error)
}

// PaymentReader reads payments: charges that were sent, wait to be, or were made by
// hand, and postings whose kind is a payment.
type PaymentReader interface {
	// Payments lists an owner's, newest first, at one moment the charges first.
	Payments(PaymentFilter) ([]Payment, error)
	// Payment is one payment of an owner.
	Payment(OwnerID, PaymentID) (Payment, error)
}

// RefundReader reads refunds and disputes.
type RefundReader interface {
	Refund(RefundID) (Refund, error)
	RefundByKey(key string) (Refund, error)
	RefundByRef(gateway, ref string) (Refund, error)
	// RefundsOf and DisputesOf list those of a charge.
	RefundsOf(ChargeID) ([]Refund, error)
	DisputesOf(ChargeID) ([]Dispute, error)
	DisputeByRef(gateway, ref string) (Dispute, error)
	// HoldingDisputes lists an owner's disputes that nobody lifted.
	HoldingDisputes(OwnerID) ([]Dispute, error)
	// DueRefunds lists refunds to send or to ask about, as DueCharges does.
	DueRefunds(now, real time.Time, limit int) ([]RefundID, error)
}

// RefundWriter writes refunds, disputes and what gateways told.
type RefundWriter interface {
	// CreateRefund inserts. Errors: Exists (field "key" or "ref").
	CreateRefund(*Refund) error
	// SetRefund replaces what changes in a refund's life.
	SetRefund(*Refund) error
	PutDispute(*Dispute) error
	// NoteGatewayEvent inserts an event that is acted on; Exists when it was before.
	NoteGatewayEvent(gateway string, ev *GatewayEvent, c *Charge, received time.Time) error
}

// SendingReader reads what holds sending back as a whole.
type SendingReader interface {
	SendingStop() (SendingStop, error)
	// Pace is that of a gateway; Slow is 1 when it was never kept.
	Pace(gateway string) (Pace, error)
	// SubmittedSince counts the attempts that left since a time, and their money
	// per unit.
	SubmittedSince(time.Time) (count int64, money map[Unit]int64, err error)
}

// SendingWriter writes it. Everybody's sending shares these rows: a function about owners
// that decides by one locks it, which keeps others from it until the transaction ends.
type SendingWriter interface {
	LockSendingStop() (SendingStop, error)
	// LockPace makes the row if it is not there.
	LockPace(gateway string) (Pace, error)
	SetSendingStop(SendingStop) error
	SetPace(*Pace) error
}

// PlanReader reads plans, accounts' places in them, and billed periods.
type PlanReader interface {
	Plan(PlanID) (Plan, error)
	Plans() ([]Plan, error)
	// MinutePlans lists those of a plan, MinutesUsed those rows of an account, by id.
	MinutePlans(PlanID) ([]MinutePlan, error)
	MinutesUsed(OwnerID) ([]MinutesUsed, error)
	AccountPlan(OwnerID) (AccountPlan, error)
	// DueAccounts lists accounts whose NextAt is at or before now, by
	// (NextAt, owner), after the given pair.
	DueAccounts(now time.Time, afterAt time.Time, after OwnerID, limit int) ([]AccountPlan, error)
	Period(o OwnerID, date string) (Period, error)
	// OpenPeriods lists an owner's periods that are not settled, oldest first.
	OpenPeriods(OwnerID) ([]Period, error)
	// WaitingPeriods lists owners that have a period in state due or unpaid.
	WaitingPeriods(after OwnerID, limit int) ([]OwnerID, error)
}

// PlanWriter writes plans and periods.
type PlanWriter interface {
	PutPlan(*Plan) error
	// PutMinutePlan makes or replaces one (Exists, field "minute_plan", when the number
	// is another plan's); DeleteMinutePlan takes what was used of it, too.
	PutMinutePlan(*MinutePlan) error
	DeleteMinutePlan(MinutePlanID) error
	PutMinutesUsed(*MinutesUsed) error
	PutAccountPlan(*AccountPlan) error
	// CreatePeriod inserts (Exists, field "period").
	CreatePeriod(*Period) error
	SetPeriod(*Period) error
}

// RunReader reads runs.
type RunReader interface {
	Run(RunID) (Run, error)
	// Runs lists newest first, ids below before (0: all). job "" is every job.
	Runs(job Job, before RunID, limit int) ([]Run, error)
	// LastKey is the newest key of a job's finished runs; empty if none.
	LastKey(Job) (string, error)
	// RunByKey finds a scheduled run.
	RunByKey(Job, string) (Run, error)
}

// RunWriter writes runs.
type RunWriter interface {
	// CreateRun inserts (Exists, field "key": N1).
	CreateRun(*Run) error
	// SetRun replaces lease, finish, error and tally.
	SetRun(*Run) error
}

// DueNotice is a notice that is to be sent, and whose it is.
type DueNotice struct {
	ID    NoticeID
	Owner OwnerID
}

// NoticeReader reads notices.
type NoticeReader interface {
	Notice(NoticeID) (Notice, error)
	// DueNotices lists pending notices that are due and not leased.
	DueNotices(now, real time.Time, limit int) ([]DueNotice, error)
	// Notices lists an owner's (0: everybody's), newest first.
	Notices(o OwnerID, before NoticeID, limit int) ([]Notice, error)
}

// NoticeWriter writes notices.
type NoticeWriter interface {
	// CreateNotice inserts (Exists, field "cause").
	CreateNotice(*Notice) error
	SetNotice(*Notice) error
}

// LoginReader reads API logins.
type LoginReader interface {
	Login(name string) (Login, error)
	Logins() ([]Login, error)
	// LoginsOf lists a customer's, by name.
	LoginsOf(OwnerID) ([]Login, error)
}

// LoginWriter writes API logins.
type LoginWriter interface {
	PutLogin(*Login) error
	// DropLogin frees a login's name.
	DropLogin(name string) error
	// ResealLogin replaces a login's sealed HA1, if it is still the one given;
	// nothing else of the login changes. It reports whether it was.
	ResealLogin(name string, was, now []byte) (bool, error)
}

// Object is an imported line of a type that another interface will own: kept
// as it came, so that an export gives it back.
type Object struct {
	Type string
	Key  string // the line's id, unique per type
	Body string // the JSON object
}

// ObjectReader reads imported objects.
type ObjectReader interface {
	// Objects lists all, by type and key, for export.
	Objects() iter.Seq2[Object, error]
	Object(kind, key string) (Object, error)
}

// ObjectWriter writes imported objects.
type ObjectWriter interface {
	PutObject(Object) error
}

// saturate is a+b, held at the ends of what can be kept: available is compared,
// never booked, so the nearest end gives the same answer.
func saturate(a, b int64) int64 {
	const top = 1<<63 - 1
	switch s := a + b; {
	case a > 0 && b > 0 && s < 0:
		return top
	case a < 0 && b < 0 && s >= 0:
		return -top
	default:
		return s
	}
}
