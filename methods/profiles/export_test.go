package profiles

import "topupd/billing"

// StatusOf is the status of an engine's code and its word.
func StatusOf(c billing.Code) (status int, word string) {
	status, ok := statuses[c]
	if !ok {
		return 0, ""
	}
	return status, words[status]
}
