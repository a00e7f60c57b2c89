package billing

import (
	"embed"
	"fmt"
	"strings"
	"text/template"
	"time"
)

// The wording of every notice. The first line is the subject.
//
//go:embed templates/*.txt
var templateFiles embed.FS

var noticeTemplates = template.Must(template.New("").ParseFS(templateFiles, "templates/*.txt"))

// noticeView is what a template may show; nothing in it is secret.
type noticeView struct {
	Name      string
	Owner     string
	Unit      Unit
	Balance   int64
	Available *int64
	Threshold *int64
	Credit    int64
	Gross     int64
	Price     int64
	Period    string
	Purpose   Purpose
	Card      string
	Class     DeclineClass
	Reference int64
	Letter    string
	Every     TopupPeriod
	NeedsYou  bool
	Over      bool // of a rule: nothing more is to come
	Method    CollectMethod
	Pool      string
	Allowance *PoolBalance
	Alarm     string
	Text      string
	RetryAt   time.Time
	Now       time.Time
	zone      *time.Location
}

// Money prints millionths in the owner's currency with its usual decimals.
func (v *noticeView) Money(micros int64) string {
	digits := 2
	if c, ok := LookupCurrency(string(v.Unit)); ok {
		digits = c.Digits
	}
	return FixedMicros(micros, digits) + " " + string(v.Unit)
}

// ThresholdText is the threshold, or "none".
func (v *noticeView) ThresholdText() string {
	if v.Threshold == nil {
		return "none"
	}
	return v.Money(*v.Threshold)
}

// AvailableText is balance plus credit limit.
func (v *noticeView) AvailableText() string {
	if v.Available == nil {
		return "unlimited"
	}
	return v.Money(*v.Available)
}

// RetryText is when the card is tried again, in the owner's zone.
func (v *noticeView) RetryText() string { return v.RetryAt.In(v.zone).Format("2006-01-02 15:04 MST") }

// Gone says that the card was refused for good.
func (v *noticeView) Gone() bool { return v.Class == DeclineHard }

// Greeting is the owner's name, or what it is.
func (v *noticeView) Greeting() string {
	if v.Name != "" {
		return v.Name
	}
	return v.Owner
}

// renderNotice fills the kind's template.
func renderNotice(kind NoticeKind, v *noticeView) (subject, body string, err error) {
	var b strings.Builder
	if err := noticeTemplates.ExecuteTemplate(&b, string(kind)+".txt", v); err != nil {
		return "", "", fmt.Errorf("notice %s: %w", kind, err)
	}
	subject, body, _ = strings.Cut(b.String(), "\n")
	return oneLine(subject), strings.TrimLeft(body, "\n"), nil
}

// oneLine keeps a name with a line break from adding a header to a mail.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, strings.TrimSpace(s))
}
