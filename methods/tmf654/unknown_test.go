package tmf654

import (
	"net/http/httptest"
	"strings"
	"testing"

	"topupd/billing"
)

// What ended with an outcome that nobody knows is not simply to be tried again.
func TestUnknownOutcomeIsSaid(t *testing.T) {
	w := httptest.NewRecorder()
	if status := fail(w, billing.Internal); status != 500 || !strings.Contains(w.Body.String(), "may have been done") || strings.Contains(w.Body.String(), "later") {
		t.Error(status, w.Body.String())
	}
}
