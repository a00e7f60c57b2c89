package billing

import (
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"strings"
	"time"
)

// AuditAction is what was done, in the words of the switch's audit viewer; those
// that it has no word for are ours.
type AuditAction string

// The actions that we write. writeAuditLog may bring any other.
const (
	AuditAdd      AuditAction = "A"
	AuditUpdate   AuditAction = "U"
	AuditDelete   AuditAction = "D"
	AuditRestore  AuditAction = "R"
	AuditFunds    AuditAction = "FUNDS"     // resource add|credit|debit|recharge:i_account=...
	AuditPassword AuditAction = "PSWD_CHNG" // resource web_login=...
	AuditBilling  AuditAction = "BILLING_RUN"
	AuditImport   AuditAction = "IMPORT"
	AuditRefund   AuditAction = "REFUND"
	AuditResolve  AuditAction = "RESOLVE"
	AuditResume   AuditAction = "RESUME"
	AuditGolive   AuditAction = "GOLIVE"
	AuditRekey    AuditAction = "REKEY"
	AuditResend   AuditAction = "RESEND" // resource deliveries:id=...
	AuditPool     AuditAction = "POOL"   // resource topup|use:offer=...
	AuditGuess    AuditAction = "VOUCHER_FAIL"
	AuditAuthOK   AuditAction = "AUTH_OK"   // resource web_login=...
	AuditAuthFail AuditAction = "AUTH_FAIL" // how often stands in the info
)

// AuditRow says who did what to which resource, and from where. It is never
// changed, holds no secret, and goes when its time is over (Settings.AuditDays).
type AuditRow struct {
	ID AuditID
	// At is the real clock, also under `run --as-of`.
	At  time.Time
	Top OwnerID
	// Actor is the login, "trusted", the interface of a command, the job that acted by
	// itself, or the gateway that told something; Customer is the customer that it acted as, 0 for none.
	Actor    string
	Customer OwnerID
	API      string
	Address  string
	Action   AuditAction
	// Resource is table:key=value.
	Resource string
	// Info is a flat JSON object of texts, "from to to" for what changed; empty for none.
	Info string
}

// AuditFilter selects rows from a time up to, not including, another.
type AuditFilter struct {
	From, To time.Time
	Offset   int64
	Limit    int
}

// AuditReader reads audit rows.
type AuditReader interface {
	// AuditRows lists oldest first. Its cost follows the offset and what it returns.
	AuditRows(AuditFilter) ([]AuditRow, error)
}

// AuditWriter writes them.
type AuditWriter interface {
	// AddAudit appends a row; its ID is the database's.
	AddAudit(*AuditRow) error
	// DropAudit deletes rows from before a time, the oldest first, at most limit; it
	// says how many. Conflict if one is younger than twelve hours.
	DropAudit(before time.Time, limit int) (int64, error)
}

// audit writes the row of a change into its own transaction, for the top-level
// customer that the change belongs to. An update that changed nothing leaves none.
func (u *unitOfWork) audit(a AuditAction, top OwnerID, resource string, info *auditInfo) error {
	if a == AuditUpdate && info.empty() {
		return nil
	}
	return u.addAudit(a, top, resource, info)
}

// addAudit is audit of what is a row whatever it tells.
func (u *unitOfWork) addAudit(a AuditAction, top OwnerID, resource string, info *auditInfo) error {
	return u.tx.AddAudit(&AuditRow{
		At: u.real, Top: top, Actor: u.actor.auditName(), Customer: u.actor.Customer, API: u.actor.API, Address: u.actor.Address,
		Action: a, Resource: resource, Info: info.text(),
	})
}

// auditKey names a record: table:key=id.
func auditKey(table, key string, id int64) string {
	return table + ":" + key + "=" + strconv.FormatInt(id, 10)
}

// auditOwner names a record that belongs to one owner: table:i_account=100.
func auditOwner(table string, o OwnerID) string { return auditKey(table, o.Field(), o.Number()) }

// auditInfo gathers what changed. It appends JSON by hand: setLowBalance and the
// movements write a row each. A nil one is empty.
type auditInfo struct{ b []byte }

func newAudit() *auditInfo { return &auditInfo{b: make([]byte, 0, 96)} }

func (i *auditInfo) empty() bool { return i == nil || len(i.b) == 0 }

func (i *auditInfo) text() string {
	if i.empty() {
		return ""
	}
	return string(append(i.b, '}'))
}

func (i *auditInfo) name(name string) {
	sep := byte(',')
	if len(i.b) == 0 {
		sep = '{'
	}
	i.b = append(appendQuoted(append(i.b, sep), name), ':')
}

// set tells a value that has no earlier one.
func (i *auditInfo) set(name, value string) *auditInfo {
	i.name(name)
	i.b = appendQuoted(i.b, value)
	return i
}

// count tells a number unless it is 0.
func (i *auditInfo) count(name string, n int64) *auditInfo {
	if n == 0 {
		return i
	}
	return i.set(name, strconv.FormatInt(n, 10))
}

// change tells a value that differs from the earlier one; a set value reads as in
// "old to new", an absent one as nil.
func (i *auditInfo) change(name, from, to string) *auditInfo {
	if from == to {
		return i
	}
	i.name(name)
	i.b = append(i.b, '"')
	i.b = append(appendEscaped(i.b, from), " to "...)
	i.b = append(appendEscaped(i.b, to), '"')
	return i
}

func (i *auditInfo) flag(name string, from, to bool) *auditInfo {
	if from == to {
		return i
	}
	return i.change(name, flagText(from), flagText(to))
}

func flagText(on bool) string {
	if on {
		return "1"
	}
	return "0"
}

// money tells millionths that changed; nil is null.
func (i *auditInfo) money(name string, from, to *int64) *auditInfo {
	if equal(from, to) {
		return i
	}
	return i.change(name, moneyText(from), moneyText(to))
}

func moneyText(micros *int64) string {
	if micros == nil {
		return auditNil
	}
	return FixedMicros(*micros, 1)
}

const auditNil = "nil"

// auditNumber tells a number that changed; nil is null.
func auditNumber[T ~int64](i *auditInfo, name string, from, to *T) {
	if equal(from, to) {
		return
	}
	text := func(n *T) string {
		if n == nil {
			return auditNil
		}
		return strconv.FormatInt(int64(*n), 10)
	}
	i.change(name, text(from), text(to))
}

func appendQuoted(b []byte, text string) []byte {
	return append(appendEscaped(append(b, '"'), text), '"')
}

// appendEscaped writes the inside of a JSON string.
func appendEscaped(b []byte, text string) []byte {
	const hex = "0123456789abcdef"
	for k := range len(text) {
		switch c := text[k]; {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c < ' ':
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		default:
			b = append(b, c)
		}
	}
	return b
}

// Fields reads Info in its order.
func (a *AuditRow) Fields() (fields []AuditField, err error) {
	if a.Info == "" {
		return nil, nil
	}
	d := json.NewDecoder(strings.NewReader(a.Info))
	var texts []string
	for {
		t, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, &Error{Code: Internal, Field: "audit_info", Err: err}
		}
		if s, ok := t.(string); ok {
			texts = append(texts, s)
		}
	}
	for i := 0; i+1 < len(texts); i += 2 {
		fields = append(fields, AuditField{Name: texts[i], Value: texts[i+1]})
	}
	return fields, nil
}
