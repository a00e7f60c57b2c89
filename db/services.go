package db

import "topupd/billing"

func scanService(r *row, s *billing.Service) {
	s.ID = billing.ServiceID(r.int64())
	s.Owner = billing.OwnerID(r.int64())
	s.Top = billing.OwnerID(r.int64())
	s.Class = r.text()
}

const (
	sqlService    = `SELECT id, owner_id, top_id, class FROM services WHERE id = $1`
	sqlServicesOf = `SELECT id, owner_id, top_id, class FROM services WHERE owner_id = $1 ORDER BY id`
	sqlServices   = `SELECT s.id, s.owner_id, s.top_id, s.class FROM services s JOIN owners o ON o.id = s.owner_id
WHERE s.id > $1 AND o.deleted_at IS NULL ORDER BY s.id LIMIT $2`
)

func (r *reader) Service(id billing.ServiceID) (billing.Service, error) {
	return one(r, "service", scanService, sqlService, int64(id))
}

func (r *reader) ServicesOf(o billing.OwnerID) ([]billing.Service, error) {
	return list(r, scanService, sqlServicesOf, int64(o))
}

func (r *reader) Services(after billing.ServiceID, limit int) ([]billing.Service, error) {
	return list(r, scanService, sqlServices, int64(after), limitOf(limit))
}

const (
	sqlAddService     = `INSERT INTO services (id, owner_id, top_id, class) VALUES ($1, $2, $3, $4) ON CONFLICT (id) DO NOTHING`
	sqlReplaceService = `UPDATE services SET owner_id = $2, top_id = $3, class = $4 WHERE id = $1`
)

func (t *tx) PutService(s *billing.Service) error {
	return t.put(sqlAddService, sqlReplaceService, int64(s.ID), int64(s.Owner), int64(s.Top), s.Class)
}
