package sippy

import (
	"context"

	"topupd/billing"
)

// auditEngine is what the audit methods need.
type auditEngine interface {
	WriteAuditLog(ctx context.Context, n billing.AuditNote) error
	AuditLogs(ctx context.Context, p billing.AuditLogsParams) ([]billing.AuditRow, error)
}

// auditMethods are for root and for trusted networks only (S-501).
func auditMethods() []method { return []method{getAuditLogsMethod(), writeAuditLogMethod()} }
