package subscription

import "net/http"

// disable ends automatic top-ups (T-9).
func (a *api) disable(w http.ResponseWriter, r *http.Request) {
	id, problem := subscriptionOf(r)
	if problem == nil {
		err := a.engine.DisableAutoTopup(r.Context(), id)
		if err == nil {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		problem = a.problem(r, err)
	}
	problem.write(w, r)
}
