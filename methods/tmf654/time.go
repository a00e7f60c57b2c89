package tmf654

import "time"

// at is a time in whole seconds with the offset of the server's zone; null for none.
func (a *api) at(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	s := t.In(a.loc).Format("2006-01-02T15:04:05-07:00")
	return &s
}
