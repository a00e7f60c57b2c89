package sippy

import (
	"context"
	"testing"
	"time"

	"topupd/billing"
	"topupd/methods/xmlrpc"
)

// fakeAudit is the audit part of the fake engine.
type fakeAudit struct {
	note billing.AuditNote
	logs billing.AuditLogsParams
	rows []billing.AuditRow
}

func (f *fake) WriteAuditLog(ctx context.Context, n billing.AuditNote) error {
	f.calls, f.actor, f.note = f.calls+1, billing.ActorFrom(ctx), n
	return f.err
}

func (f *fake) AuditLogs(ctx context.Context, p billing.AuditLogsParams) ([]billing.AuditRow, error) {
	f.calls, f.actor, f.logs = f.calls+1, billing.ActorFrom(ctx), p
	return f.rows, f.err
}

func TestGetAuditLogsMembers(t *testing.T) {
	if f := accepts(t, "getAuditLogs", nil); !f.logs.Start.IsZero() || !f.logs.End.IsZero() {
		t.Errorf("got %+v", f.logs)
	}
	in := members{
		m("start_date", xmlrpc.String("09:57:29.000 GMT Wed Nov 18 2009")), m("end_date", xmlrpc.String("20091118T11:00:00")),
		m("limit", xmlrpc.Int(7)), m("offset", xmlrpc.Int(3)),
	}
	f := accepts(t, "getAuditLogs", in)
	if !f.logs.Start.Equal(time.Date(2009, 11, 18, 9, 57, 29, 0, time.UTC)) || !f.logs.End.Equal(time.Date(2009, 11, 18, 11, 0, 0, 0, time.UTC)) ||
		*f.logs.Limit != 7 || f.logs.Offset != 3 {
		t.Errorf("got %+v", f.logs)
	}
	for _, name := range []string{"start_date", "end_date"} {
		for _, v := range []xmlrpc.Value{xmlrpc.Nil(), xmlrpc.String(""), xmlrpc.Bool(true), xmlrpc.Double("1.5"), xmlrpc.Struct()} {
			refuses(t, "getAuditLogs", members{m(name, v)}, 400, "Wrong "+name)
		}
	}
}

func TestAuditRecord(t *testing.T) {
	f := fake{fakeAudit: fakeAudit{rows: []billing.AuditRow{{
		ID: 7, At: time.Date(2026, 4, 7, 9, 57, 29, 999_000_000, time.UTC), Actor: "acme", Customer: billing.Customer(10), API: "xmlrpc",
		Address: "192.0.2.1", Action: billing.AuditUpdate, Resource: "low_balance:i_account=100", Info: `{"threshold":"5.0 to 7.5","b":"\"\\"}`,
	}, {}}}}
	v, fault := f.call(t, acme, "getAuditLogs", nil)
	text := xmlrpc.String
	want := xmlrpc.Struct(m("result", text("OK")), m("records", xmlrpc.Array(
		xmlrpc.Struct(
			m("i_audit_log", xmlrpc.Int(7)), m("time", text("09:57:29.000 GMT Tue Apr 07 2026")), m("action_by", text("acme")), m("i_customer", xmlrpc.Int(10)),
			m("api", text("xmlrpc")), m("address", text("192.0.2.1")), m("action", text("U")), m("resource", text("low_balance:i_account=100")),
			m("audit_info", xmlrpc.Struct(m("threshold", text("5.0 to 7.5")), m("b", text(`"\`)))),
		),
		xmlrpc.Struct(
			m("i_audit_log", xmlrpc.Int(0)), m("time", text("00:00:00.000 GMT Mon Jan 01 0001")), m("action_by", text("")), m("i_customer", xmlrpc.Nil()),
			m("api", text("")), m("address", text("")), m("action", text("")), m("resource", text("")), m("audit_info", xmlrpc.Struct()),
		))))
	if fault != nil || !v.Equal(want) {
		t.Errorf("%v %v", fault, v.Members())
	}
}

func TestWriteAuditLogMembers(t *testing.T) {
	in := members{m("action", xmlrpc.String("A")), m("resource", xmlrpc.String("tariffs:i_tariff=5"))}
	if f := accepts(t, "writeAuditLog", in); f.note.Action != "A" || f.note.Resource != "tariffs:i_tariff=5" || f.note.Info != nil {
		t.Errorf("got %+v", f.note)
	}
	f := accepts(t, "writeAuditLog", with(in, m("audit_info", xmlrpc.Struct(
		m("a", xmlrpc.Int(1)), m("b", xmlrpc.Struct(m("c", xmlrpc.Nil()), m("d", xmlrpc.Array(xmlrpc.Bool(true), xmlrpc.Double("1.5"))))),
	))))
	want := []billing.AuditField{{Name: "a", Value: "1"}, {Name: "b.c", Value: "nil"}, {Name: "b.d.0", Value: "1"}, {Name: "b.d.1", Value: "1.5"}}
	if len(f.note.Info) != len(want) {
		t.Fatalf("got %+v", f.note.Info)
	}
	for i := range want {
		if f.note.Info[i] != want[i] {
			t.Errorf("got %+v, want %+v", f.note.Info[i], want[i])
		}
	}
	for _, name := range []string{"action", "resource"} {
		refuses(t, "writeAuditLog", without(in, name), 400, "Parameter "+name+" is required")
		for _, v := range []xmlrpc.Value{xmlrpc.Nil(), xmlrpc.Bool(true), xmlrpc.Struct(), xmlrpc.Array()} {
			refuses(t, "writeAuditLog", with(in, m(name, v)), 400, "Wrong "+name)
		}
	}
	for _, v := range []xmlrpc.Value{xmlrpc.Nil(), xmlrpc.String("x"), xmlrpc.Array(), xmlrpc.Struct(m("a", xmlrpc.Base64([]byte("x"))))} {
		refuses(t, "writeAuditLog", with(in, m("audit_info", v)), 400, "Wrong audit_info")
	}
}
