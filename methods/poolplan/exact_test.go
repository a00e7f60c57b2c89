package poolplan_test

import (
	"testing"

	"topupd/methods/poolplan"
)

// A member whose name differs in case is an unknown one, at any depth: it is not obeyed,
// and what it would stand for is missing.
func TestWrongCase(t *testing.T) {
	k := newKit(t, poolplan.Options{})
	for _, body := range []string{
		`{"Charge":1,"currency":"EUR","allowance":[{"currency":"SMS","value":5}]}`,
		`{"charge":1,"CURRENCY":"EUR","allowance":[{"currency":"SMS","value":5}]}`,
		`{"charge":1,"currency":"EUR","Allowance":[{"currency":"SMS","value":5}]}`,
		`{"charge":1,"currency":"EUR","allowance":[{"Currency":"SMS","value":5}]}`,
		`{"charge":1,"currency":"EUR","allowance":[{"currency":"SMS","VALUE":5}]}`,
	} {
		if code, got := k.topUp("11", "500", body); k.open(got).ErrorCode == "" {
			t.Errorf("%s was taken: %d %s", body, code, got)
		}
	}
	until := k.plan(500).ExpiresAt
	// A second one in another case changes nothing of the first, and other members are ignored.
	code, got := k.topUp("11", "500", `{"charge":1,"CHARGE":2,"currency":"EUR","ExpirationDate":"27052036","allowance":{"currency":"SMS","value":5,"Value":6}}`)
	k.acked(code, got)
	k.work()
	if at := k.plan(500).ExpiresAt; k.money(11) != 99*micro || k.left(500, "SMS") != 5*micro || !at.Equal(until) {
		t.Errorf("money %d, messages %d, until %s", k.money(11), k.left(500, "SMS"), at)
	}
	// One object, and nothing after it.
	if code, _ := k.topUp("11", "500", `{"charge":1,"currency":"EUR","allowance":[{"currency":"SMS","value":5}]}{}`); code != 400 {
		t.Errorf("two objects: %d", code)
	}
	k.verify()
}
