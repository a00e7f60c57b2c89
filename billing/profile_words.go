package billing

import "strings"

// The words of profiles, as they are written. They are read in any case, with or without
// spaces and underscores.
var (
	basisWords = []word[TopupBasis]{
		{"Outstanding", BasisOutstanding}, {"Overdue", BasisOverdue}, {"Unbilled Calls", BasisUnbilled},
	}
	triggerWords = []word[TriggerKind]{{"Absolute Amount", TriggerAbsolute}, {"Percent of Limit", TriggerPercent}}
	modeWords    = []word[TopupMode]{{"Fixed Amount", TopupFixed}, {"To Percent Of Limit", TopupToPercent}}
)

// LimitNames are the limits that a profile may refer to.
var LimitNames = []string{"Credit Limit", "Outstanding Limit", "Overdue Limit", "Unbilled Calls Limit"}

type word[T comparable] struct {
	text  string
	value T
}

var plainer = strings.NewReplacer(" ", "", "_", "")

// plainWord is a word without case, spaces and underscores.
func plainWord(s string) string {
	return plainer.Replace(strings.ToLower(s))
}

func parseWord[T comparable](words []word[T], s string) (T, error) {
	s = plainWord(s)
	for _, w := range words {
		if plainWord(w.text) == s {
			return w.value, nil
		}
	}
	var none T
	return none, Invalid
}

func wordOf[T comparable](words []word[T], v T) string {
	for _, w := range words {
		if w.value == v {
			return w.text
		}
	}
	return ""
}

// Word is the basis as it is written.
func (b TopupBasis) Word() string { return wordOf(basisWords, b) }

// Word is the kind as it is written.
func (k TriggerKind) Word() string { return wordOf(triggerWords, k) }

// Word is the mode as it is written.
func (m TopupMode) Word() string { return wordOf(modeWords, m) }

// limitName is a known limit as it is written; false for a name that nobody knows.
func limitName(s string) (string, bool) {
	for _, name := range LimitNames {
		if plainWord(name) == plainWord(s) {
			return name, true
		}
	}
	return s, false
}
