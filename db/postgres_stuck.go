package db

import (
	"context"
	"maps"
	"slices"

	"github.com/jackc/pgx/v5"

	"topupd/billing"
)

// apart answers Busy to the members one of whose owners cannot be locked, of those that
// are asked about, and remembers these owners; it returns the other members. It does not
// wait.
func (l *lane) apart(members []*member, owners []billing.OwnerID) (free []*member) {
	stuck, err := l.notFree(owners)
	if err != nil {
		return members
	}
	l.stuck = stuck
	for _, m := range members {
		if slices.ContainsFunc(m.owners, func(o billing.OwnerID) bool { return stuck[o] }) {
			lose([]*member{m}, &billing.Error{Code: billing.Busy, Message: "busy, try again"})
			continue
		}
		free = append(free, m)
	}
	return free
}

// notFree are those of the owners that somebody holds at this moment.
func (l *lane) notFree(owners []billing.OwnerID) (map[billing.OwnerID]bool, error) {
	ctx, cancel := context.WithTimeout(context.Background(), l.wait)
	defer cancel()
	stuck := map[billing.OwnerID]bool{}
	const there = `SELECT id FROM owners WHERE id = ANY($1)`
	for query, is := range map[string]bool{there: true, there + ` FOR NO KEY UPDATE SKIP LOCKED`: false} {
		rows, err := l.pool.Query(ctx, query, owners)
		if err != nil {
			return nil, err
		}
		ids, err := pgx.CollectRows(rows, pgx.RowTo[billing.OwnerID])
		if err != nil {
			return nil, err
		}
		for _, id := range ids {
			was, known := stuck[id]
			stuck[id] = is && (was || !known)
		}
	}
	maps.DeleteFunc(stuck, func(_ billing.OwnerID, is bool) bool { return !is })
	return stuck, nil
}
