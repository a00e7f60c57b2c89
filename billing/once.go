package billing

import "time"

// AnswerDays is how long the answer of an Idempotency-Key is kept.
const AnswerDays = 7

// Answer is what a request was answered, as it goes over the wire.
type Answer struct {
	// Status is the HTTP status; from 400 on it is a refusal and nothing is kept.
	Status      int
	ContentType string
	Headers     []AnswerHeader
	Body        []byte
	// Replayed: it was given before.
	Replayed bool
}

// AnswerHeader is one header line beside the content type, such as Location.
type AnswerHeader struct{ Name, Value string }

// KeptAnswer is an answer kept under a customer's key.
type KeptAnswer struct {
	Top      OwnerID
	Customer OwnerID
	Key      string
	// Input is the SHA-256 of the request.
	Input     []byte
	Answer    Answer // Replayed is not kept
	CreatedAt time.Time
}

// AnswerReader reads kept answers.
type AnswerReader interface {
	KeptAnswer(customer OwnerID, key string) (KeptAnswer, error)
	// OldestAnswer is when the oldest was kept; zero if there is none.
	OldestAnswer() (time.Time, error)
}

// AnswerWriter writes them.
type AnswerWriter interface {
	// KeepAnswer inserts (Exists, field "key").
	KeepAnswer(*KeptAnswer) error
	DropAnswer(customer OwnerID, key string) error
	// DropAnswers deletes the oldest that were kept before a time; it returns how many.
	DropAnswers(before time.Time, limit int) (int64, error)
}
