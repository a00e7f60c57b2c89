package sippy

import (
	"context"
	"strconv"

	"topupd/billing"
	"topupd/methods/xmlrpc"
)

func writeAuditLogMethod() method {
	return method{
		name: "writeAuditLog", about: "Writes a row into the audit log; for root only.", run: (*api).writeAuditLog,
		params: []param{
			{name: "action", kind: "string", need: true, note: "at most 64 characters"},
			{name: "resource", kind: "string", need: true, note: "at most 1000 characters"},
			{name: "audit_info", kind: "struct", note: "to 200 members and 16384 bytes, without base64"},
		},
	}
}

func (a *api) writeAuditLog(ctx context.Context, c call) (xmlrpc.Value, error) {
	note, err := auditNote(c.Params)
	if err != nil {
		return xmlrpc.Value{}, err
	}
	if ctx, err = a.scope(ctx, c); err != nil {
		return xmlrpc.Value{}, err
	}
	if err := a.engine.WriteAuditLog(ctx, note); err != nil {
		return xmlrpc.Value{}, err
	}
	return succeeded, nil
}

func auditNote(p xmlrpc.Params) (n billing.AuditNote, err error) {
	if n.Action, err = neededText(p, "action"); err != nil {
		return n, err
	}
	if n.Resource, err = neededText(p, "resource"); err != nil {
		return n, err
	}
	v, given := p.Value("audit_info")
	if !given {
		return n, nil
	}
	if v.Kind() != xmlrpc.KindStruct {
		return n, wrong("audit_info")
	}
	for _, m := range v.Members() {
		if n.Info, err = auditFields(n.Info, m.Name, m.Value); err != nil {
			return n, err
		}
	}
	return n, nil
}

func neededText(p xmlrpc.Params, name string) (string, error) {
	text, given, err := textOf(p, name)
	if err == nil && !given {
		err = missing(name)
	}
	return text, err
}

// auditFields flattens a value: what is inside a struct or an array is kept as a.b
// or a.0, texts as they are, null as nil (S-502).
func auditFields(to []billing.AuditField, name string, v xmlrpc.Value) (_ []billing.AuditField, err error) {
	switch v.Kind() {
	case xmlrpc.KindBase64:
		return nil, wrong("audit_info")
	case xmlrpc.KindStruct:
		for _, m := range v.Members() {
			if to, err = auditFields(to, name+"."+m.Name, m.Value); err != nil {
				return nil, err
			}
		}
		return to, nil
	case xmlrpc.KindArray:
		for i, item := range v.Items() {
			if to, err = auditFields(to, name+"."+strconv.Itoa(i), item); err != nil {
				return nil, err
			}
		}
		return to, nil
	case xmlrpc.KindNil:
		return append(to, billing.AuditField{Name: name, Value: "nil"}), nil
	}
	return append(to, billing.AuditField{Name: name, Value: v.Text()}), nil
}
