package billing

import (
	"context"
	"strings"
	"time"
	"unicode/utf8"
)

// AuditNote is a row that a caller writes itself.
type AuditNote struct {
	Action   string
	Resource string
	Info     []AuditField
}

// AuditField is one member of a row's info.
type AuditField struct{ Name, Value string }

// What one writeAuditLog may have us keep.
const (
	maxAuditAction   = 64
	maxAuditResource = 1000
	maxAuditInfo     = 16 << 10
	maxAuditFields   = 200
)

// WriteAuditLog keeps a caller's own row; only root may (as the switch has it).
// Errors: Forbidden, Missing, Invalid.
func (e *Engine) WriteAuditLog(ctx context.Context, n AuditNote) error {
	if !ActorFrom(ctx).IsRoot() {
		return auditForRoot()
	}
	for _, m := range []struct {
		name, text string
		most       int
	}{{"action", n.Action, maxAuditAction}, {"resource", n.Resource, maxAuditResource}} {
		switch {
		case m.text == "":
			return Errorf(Missing, m.name, "%s says what was done to what", m.name)
		case len(m.text) > m.most || !printableText(m.text):
			return Errorf(Invalid, m.name, "at most %d characters, in one line", m.most)
		}
	}
	info := newAudit()
	for _, f := range n.Info {
		if !utf8.ValidString(f.Name) || !utf8.ValidString(f.Value) {
			return Errorf(Invalid, "audit_info", "audit_info is text")
		}
		info.set(f.Name, f.Value)
	}
	if len(n.Info) > maxAuditFields || len(info.b) > maxAuditInfo {
		return Errorf(Invalid, "audit_info", "at most %d members and %d bytes", maxAuditFields, maxAuditInfo)
	}
	return e.update(ctx, func(u *unitOfWork) error {
		return u.addAudit(AuditAction(n.Action), Root, n.Resource, &auditInfo{b: append([]byte(nil), info.b...)})
	})
}

func auditForRoot() error { return Errorf(Forbidden, "", "audit logs are for root") }

func printableText(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f })
}

// AuditLogsParams selects rows by the switch's defaults.
type AuditLogsParams struct {
	Start time.Time // zero: an hour ago
	End   time.Time // zero: an hour after Start; not included
	// Limit is 1 to MaxAuditLogs; nil is MaxAuditLogs.
	Limit  *int64
	Offset int64
}

// MaxAuditLogs is the default and the maximum of one page.
const MaxAuditLogs = 100

// AuditLogs lists rows, oldest first; only root may. Errors: Forbidden, Invalid.
func (e *Engine) AuditLogs(ctx context.Context, p AuditLogsParams) (rows []AuditRow, err error) {
	if !ActorFrom(ctx).IsRoot() {
		return nil, auditForRoot()
	}
	f := AuditFilter{From: p.Start, To: p.End, Offset: p.Offset, Limit: MaxAuditLogs}
	if f.From.IsZero() {
		f.From = realNow().Add(-time.Hour)
	}
	if f.To.IsZero() {
		f.To = f.From.Add(time.Hour)
	}
	switch {
	case p.Limit != nil && (*p.Limit < 1 || *p.Limit > MaxAuditLogs):
		return nil, Errorf(Invalid, "limit", "1 to %d", MaxAuditLogs)
	case p.Offset < 0:
		return nil, Errorf(Invalid, "offset", "0 or more")
	case p.Limit != nil:
		f.Limit = int(*p.Limit)
	}
	err = e.view(ctx, func(r Reader) error {
		rows, err = r.AuditRows(f)
		return err
	})
	return rows, err
}
