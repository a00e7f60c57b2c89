package profiles

import (
	"encoding/json"
	"strconv"
	"time"

	"topupd/billing"
)

// money is a number with two digits, or more where there are more.
func money(micros int64) json.RawMessage { return json.RawMessage(billing.FixedMicros(micros, 2)) }

func moneyOrNull(micros *int64) json.RawMessage {
	if micros == nil {
		return json.RawMessage("null")
	}
	return money(*micros)
}

// idText is an id as text, null for none.
func idText[T ~int64](id T) *string {
	if id == 0 {
		return nil
	}
	s := strconv.FormatInt(int64(id), 10)
	return &s
}

func ownerText(o billing.OwnerID) *string { return idText(o.Number()) }

func textOrNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func yesNo(on bool) string {
	if on {
		return "Yes"
	}
	return "No"
}

func timeText(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	s := t.UTC().Format(time.RFC3339)
	return &s
}

// all is a list that is never null.
func all[T, S any](from []T, shape func(*T) S) []S {
	list := make([]S, len(from))
	for i := range from {
		list[i] = shape(&from[i])
	}
	return list
}
