package poolplan

import (
	"encoding/json"
	"net/http"
)

// The answers are written as the source page prints them, to the byte: white space too.
const (
	ackHead = "{\n\"errorCode\": \"\",\n\"errorMessage\": \"\",\n\"content\": [\n{\n"
	// Page 0 of size 10 with the one element.
	ackTail = "\n}\n],\n\"pageable\": {\n\"page\": 0,\n\"size\": 10,\n\"totalPages\": 1,\n\"totalElements\": 1\n}\n}"
)

// ack answers with one element of content.
func ack(w http.ResponseWriter, element string) { write(w, http.StatusOK, ackHead+element+ackTail) }

// nak refuses: content and pageable are empty strings.
func nak(w http.ResponseWriter, status int, f failure) {
	write(w, status, "{\n\"errorCode\": "+quote(f.code)+",\n\"errorMessage\": "+quote(f.message)+",\n\"content\": \"\",\n\"pageable\": \"\"\n}")
}

func write(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(body)) // a caller that is gone needs no answer
}

func quote(text string) string {
	b, _ := json.Marshal(text) // a string always can be
	return string(b)
}
