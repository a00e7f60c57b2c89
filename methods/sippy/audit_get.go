package sippy

import (
	"context"
	"slices"
	"time"

	"topupd/billing"
	"topupd/methods/xmlrpc"
)

func getAuditLogsMethod() method {
	return method{
		name: "getAuditLogs", use: billing.UseReads, about: "Returns what was changed by whom, oldest first; for root only.",
		run: (*api).getAuditLogs,
		params: slices.Concat([]param{
			{name: "start_date", kind: "string", note: "without one an hour ago"},
			{name: "end_date", kind: "string", note: "without one an hour after start_date; not included"},
		}, pageParams(billing.MaxAuditLogs)),
		returns: []param{{name: "records", kind: "array", note: "structs of i_audit_log, time, action_by, i_customer, api, address, action, resource, audit_info"}},
	}
}

func (a *api) getAuditLogs(ctx context.Context, c call) (xmlrpc.Value, error) {
	logs, err := auditLogsParams(c.Params, time.Now())
	if err != nil {
		return xmlrpc.Value{}, err
	}
	if ctx, err = a.scope(ctx, c); err != nil {
		return xmlrpc.Value{}, err
	}
	rows, err := a.engine.AuditLogs(ctx, logs)
	if err != nil {
		return xmlrpc.Value{}, err
	}
	records := make([]xmlrpc.Value, len(rows))
	for i := range rows {
		if records[i], err = auditRecord(&rows[i]); err != nil {
			return xmlrpc.Value{}, err
		}
	}
	return xmlrpc.Struct(resultOK, xmlrpc.Member{Name: "records", Value: xmlrpc.Array(records...)}), nil
}

func auditLogsParams(p xmlrpc.Params, now time.Time) (logs billing.AuditLogsParams, err error) {
	if logs.Start, err = dateOf(p, "start_date", now); err != nil {
		return logs, err
	}
	if logs.End, err = dateOf(p, "end_date", now); err != nil {
		return logs, err
	}
	rows, err := pageOf(p, billing.MaxAuditLogs)
	logs.Offset, logs.Limit = rows.offset, &rows.limit
	return logs, err
}

// auditRecord has member names of ours: the page names none (S-503).
func auditRecord(r *billing.AuditRow) (xmlrpc.Value, error) {
	fields, err := r.Fields()
	if err != nil {
		return xmlrpc.Value{}, err
	}
	info := make([]xmlrpc.Member, len(fields))
	for i, f := range fields {
		info[i] = xmlrpc.Member{Name: f.Name, Value: xmlrpc.String(f.Value)}
	}
	customer := xmlrpc.Nil()
	if r.Customer != 0 {
		customer = xmlrpc.Int(r.Customer.Number())
	}
	return xmlrpc.Struct(
		xmlrpc.Member{Name: "i_audit_log", Value: xmlrpc.Int(int64(r.ID))},
		xmlrpc.Member{Name: "time", Value: xmlrpc.String(formatDate(r.At))},
		xmlrpc.Member{Name: "action_by", Value: xmlrpc.String(r.Actor)},
		xmlrpc.Member{Name: "i_customer", Value: customer},
		xmlrpc.Member{Name: "api", Value: xmlrpc.String(r.API)},
		xmlrpc.Member{Name: "address", Value: xmlrpc.String(r.Address)},
		xmlrpc.Member{Name: "action", Value: xmlrpc.String(string(r.Action))},
		xmlrpc.Member{Name: "resource", Value: xmlrpc.String(r.Resource)},
		xmlrpc.Member{Name: "audit_info", Value: xmlrpc.Struct(info...)},
	), nil
}
