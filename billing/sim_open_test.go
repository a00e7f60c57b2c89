package billing_test

// Promises that the simulator can hold the engine to and that are open: with
// true it does what breaks them.
const (
	// tokensFrozen: an attempt that is sent or asked about again has the token it
	// was made with, also when the card was given another one meanwhile.
	tokensFrozen = true
	// latestWins: of two events about one refund the one that happened later
	// counts, in whichever order they come.
	latestWins = true
	// limitsAtSend: a network's limit is looked at again just before a try is
	// sent, so that it holds for retries and for a card that several owners have;
	// and the first decline of a card counts for its fingerprint.
	limitsAtSend = true
	// leaseChecked: an answer that says nothing definite, heard by a worker whose
	// lease was over, changes nothing.
	leaseChecked = true
)
