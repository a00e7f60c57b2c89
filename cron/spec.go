package cron

import (
	"errors"
	"fmt"
	"math/bits"
	"strings"
	"time"

	robfig "github.com/robfig/cron/v3"
)

const allowed = "five fields: minute (0-59) hour (0-23) day of month (1-31) month (1-12 or jan-dec) weekday (0-6 or sun-sat), " +
	`such as "5 0 * * *"; empty turns the job off on this server`

// star is the bit that robfig sets in a field that was written as "*".
const star = 1 << 63

// spec is a schedule as robfig reads it. What it means on a date of a zone with
// daylight saving is the calendar's.
type spec struct{ *robfig.SpecSchedule }

// parseSpec reads five fields. Its errors are reasons; New adds the setting,
// the value and what is allowed.
func parseSpec(text string) (spec, error) {
	if strings.Contains(text, "TZ=") {
		return spec{}, errors.New("a schedule has no zone of its own: it follows --time-zone")
	}
	for _, r := range text {
		if !strings.ContainsRune("0123456789*?/,- \t", r) && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') {
			return spec{}, fmt.Errorf("%q is not part of a schedule", r)
		}
	}
	s, err := parseFields(text)
	if err != nil {
		return spec{}, err
	}
	if s.never() {
		return spec{}, errors.New("this never fires")
	}
	return s, nil
}

// parseFields is robfig's parser without its panics ("TZ=UTC" is one).
func parseFields(text string) (s spec, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("it cannot be read (%v)", r)
		}
	}()
	parser := robfig.NewParser(robfig.Minute | robfig.Hour | robfig.Dom | robfig.Month | robfig.Dow)
	parsed, err := parser.Parse(text)
	if err != nil {
		return spec{}, err
	}
	fields, ok := parsed.(*robfig.SpecSchedule)
	if !ok {
		return spec{}, errors.New("it is not made of five fields")
	}
	return spec{fields}, nil
}

// never tells a schedule that robfig takes but that has no date, as 31 February
// has none, or no time, as "," has none.
func (s spec) never() bool {
	if s.Minute&^star == 0 || s.Hour&^star == 0 {
		return true
	}
	// In 28 years every date falls on every weekday.
	first := time.Date(2000, time.January, 1, 0, 0, 0, 0, time.UTC)
	for day := first; day.Year() < 2028; day = day.AddDate(0, 0, 1) {
		if s.onDate(day) {
			return false
		}
	}
	return true
}

// onDate tells whether the schedule fires on the wall date of t. Where both the
// day of the month and the weekday are given, one of them is enough, as in
// every cron.
func (s spec) onDate(t time.Time) bool {
	if s.Month&(1<<uint(t.Month())) == 0 {
		return false
	}
	dom := s.Dom&(1<<uint(t.Day())) != 0
	dow := s.Dow&(1<<uint(t.Weekday())) != 0
	if s.Dom&star != 0 || s.Dow&star != 0 {
		return dom && dow
	}
	return dom || dow
}

// matches tells whether the schedule names the wall minute of t.
func (s spec) matches(t time.Time) bool {
	return s.Minute&(1<<uint(t.Minute())) != 0 && s.Hour&(1<<uint(t.Hour())) != 0 && s.onDate(t)
}

// first is the first time of day that the schedule names.
func (s spec) first() time.Duration {
	return time.Duration(bits.TrailingZeros64(s.Hour))*time.Hour +
		time.Duration(bits.TrailingZeros64(s.Minute))*time.Minute
}
