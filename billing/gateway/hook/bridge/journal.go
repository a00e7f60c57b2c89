package bridge

import "sync"

// journal is what was asked under each key and what came of it. A real bridge
// keeps it on disk: an entry is written before its request is sent.
type journal struct {
	mu      sync.Mutex
	entries map[string]*entry
}

type entry struct {
	what   string // of the first request; empty if there was none
	busy   bool   // on its way to the processor
	answer Answer // the last one
	// barred is when topupd asked in vain: what it sent before that and comes
	// late is not charged any more.
	barred string
}

// other reports that the key stands for something else already. Neither
// "declined" nor "not attempted" would be true of it.
func (e *entry) other(r Request) bool { return e.what != "" && e.what != r.what() }

var inProgress = Answer{Outcome: "unknown", Code: "pending"}

var keyReused = Answer{Outcome: "unknown", Code: "key_reused", Message: "this key was used for another payment"}

func (j *journal) entry(key string) *entry {
	if j.entries == nil {
		j.entries = map[string]*entry{}
	}
	if j.entries[key] == nil {
		j.entries[key] = &entry{}
	}
	return j.entries[key]
}

// begin reports done when the request is not to be sent.
func (j *journal) begin(r Request) (a Answer, done bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	e := j.entry(r.Key)
	switch {
	case e.other(r):
		return keyReused, true
	case e.answer.definite():
		return e.answer, true
	case e.busy:
		return inProgress, true
	case r.SentAt <= e.barred:
		return Answer{Outcome: "not_attempted", Code: "late"}, true
	}
	e.what, e.busy = r.what(), true
	return Answer{}, false
}

func (j *journal) end(key string, a Answer) {
	j.mu.Lock()
	defer j.mu.Unlock()
	e := j.entry(key)
	e.busy, e.answer = false, a
}

// look reports done when the processor is not to be asked. If it is, requests
// that were sent earlier are barred before it answers.
func (j *journal) look(r Request) (a Answer, done bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	e := j.entry(r.Key)
	switch {
	case e.other(r):
		return keyReused, true
	case e.answer.definite():
		return e.answer, true
	case e.busy:
		return inProgress, true
	}
	e.barred = max(e.barred, r.SentAt)
	return Answer{}, false
}
