package dbtest

import (
	"time"

	"topupd/billing"
)

func newAction() billing.BalanceAction {
	return billing.BalanceAction{Kind: billing.ActionTopup, Owner: alice, Top: acme, CreatedAt: noon.UTC()}
}

// actionRules: ids are one sequence over all kinds, and nothing of an action changes.
func actionRules(w *world) {
	add := func(tx billing.Tx, a *billing.BalanceAction) error { return tx.AddBalanceAction(a) }
	each(w, billing.Conflict, newAction, add, map[string]func(*billing.BalanceAction){
		"another kind":      func(a *billing.BalanceAction) { a.Kind = "dance" },
		"an account as top": func(a *billing.BalanceAction) { a.Top = alice },
		"a negative id":     func(a *billing.BalanceAction) { a.ID = -1 },
		"no time":           func(a *billing.BalanceAction) { a.CreatedAt = time.Time{} },
	})
	each(w, billing.NotFound, newAction, add, map[string]func(*billing.BalanceAction){
		"an unknown owner": func(a *billing.BalanceAction) { a.Owner = billing.Account(9) },
	})
	given := newAction()
	given.ID, given.Kind = 700, billing.ActionReservation
	w.update(func(tx billing.Tx) error { return tx.AddBalanceAction(&given) })
	next := newAction()
	next.Kind = billing.ActionTransfer
	w.update(func(tx billing.Tx) error { return tx.AddBalanceAction(&next) })
	if next.ID <= given.ID {
		w.Errorf("id %d follows %d", next.ID, given.ID)
	}
	w.refused(billing.Exists, "id", func(tx billing.Tx) error { return tx.AddBalanceAction(&given) })
	if w.exec == nil {
		return
	}
	for _, query := range []string{"UPDATE balance_actions SET kind = 'adjustment'", "DELETE FROM balance_actions"} {
		if w.exec(query) == nil {
			w.Errorf("%s was accepted", query)
		}
	}
}
