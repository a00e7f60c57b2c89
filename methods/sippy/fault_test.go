package sippy

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"topupd/billing"
	"topupd/methods/xmlrpc"
)

func TestEveryCodeHasAFault(t *testing.T) {
	for _, code := range billing.Codes() {
		f, ok := faults[code]
		if !ok || f.Code == 0 || f.String == "" {
			t.Errorf("%s has no fault", code)
		}
		if (f.Code == 501) != (code == billing.Internal) {
			t.Errorf("%s is %d", code, f.Code)
		}
	}
	if len(faults) != len(billing.Codes()) {
		t.Errorf("%d faults for %d codes", len(faults), len(billing.Codes()))
	}
}

func TestFaultTexts(t *testing.T) {
	secret := errors.New("tok_secret <&>")
	for want, err := range map[string]error{
		"fault 501: Fatal error":                              secret,
		"fault 501: Fatal error ":                             &billing.Error{Code: billing.Internal, Field: "token", Message: "tok_secret", Err: secret},
		"fault 501: Fatal error  ":                            &xmlrpc.PanicError{Value: "tok_secret"},
		"fault 501: Fatal error   ":                           billing.Errorf(billing.Code(200), "threshold", "of a later version"),
		"fault 400: Parameter amount is required":             missing("amount"),
		"fault 400: Wrong threshold":                          wrong("threshold"),
		"fault 400: Wrong charge_amount":                      billing.Errorf(billing.Invalid, "charge_amount", "tok_secret"),
		"fault 401: Wrong i_account":                          fmt.Errorf("wrapped: %w", billing.Errorf(billing.NotFound, "i_account", "tok_secret")),
		"fault 403: no permissions":                           billing.Errorf(billing.Forbidden, "", "root only"),
		"fault 400: Wrong web_login":                          billing.Errorf(billing.Exists, "web_login", "x"),
		"fault 403: not possible now":                         billing.Errorf(billing.Conflict, "", "x"),
		"fault 503: busy, try again":                          billing.Errorf(billing.Busy, "", "x"),
		"fault 400: Wrong currency":                           billing.Errorf(billing.WrongCurrency, "currency", "x"),
		"fault 400: Wrong currency ":                          billing.Errorf(billing.WrongCurrency, "i_billing_plan", "x"),
		"fault 400: Wrong idempotency_key":                    billing.Errorf(billing.KeyReused, "idempotency_key", "x"),
		"fault 400: Wrong amount":                             billing.Errorf(billing.Overflow, "amount", "x"),
		"fault 401: Wrong parameter":                          billing.Errorf(billing.NotFound, "", "a code alone"),
		"fault 400: Wrong parameter":                          billing.Errorf(billing.Invalid, "<b>&", "x"),
		"fault 400: Wrong br_i_debit_credit_card2":            billing.Errorf(billing.Invalid, "br_i_debit_credit_card2", "x"),
		"fault 400: Parameter parameter is required":          billing.Errorf(billing.Missing, "X", "x"),
		"fault 400: Parameter i_account is required":          errors.Join(secret, missing("i_account")),
		"fault 400: Wrong notification_retry_interval":        &xmlrpc.WrongError{Name: "notification_retry_interval"},
		"fault 400: Wrong notification_retry_interval (wrap)": fmt.Errorf("x: %w", &xmlrpc.WrongError{Name: "notification_retry_interval"}),
	} {
		want = strings.TrimSpace(strings.TrimSuffix(want, "(wrap)"))
		if got := Fault(err).Error(); got != want {
			t.Errorf("%v: got %q, want %q", err, got, want)
		}
	}
}
