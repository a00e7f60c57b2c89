package subscription

import (
	"net/http"

	"topupd/billing"
)

// get shows the setting as it is (T-9).
func (a *api) get(w http.ResponseWriter, r *http.Request) {
	id, problem := subscriptionOf(r)
	if problem == nil {
		t, err := a.engine.AutoTopup(r.Context(), id)
		if err == nil {
			write(w, negotiate(r), http.StatusOK, setting(&t))
			return
		}
		problem = a.problem(r, err)
	}
	problem.write(w, r)
}

func setting(t *billing.AutoTopup) record {
	return record{"AutoTopup", []field{
		money("Amount", &t.Amount),
		boolean("Enabled", t.Enabled),
		numberOrNull("PaymentId", int64(t.Payment)),
		number("SubscriptionId", int64(t.Subscription)),
		money("Threshold", t.Threshold),
	}}
}
