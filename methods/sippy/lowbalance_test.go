package sippy

import (
	"fmt"
	"reflect"
	"testing"

	"topupd/billing"
	"topupd/methods/xmlrpc"
)

func TestGetLowBalanceReply(t *testing.T) {
	for _, c := range []struct {
		policy  billing.LowBalance
		account bool
		want    string
	}{
		{billing.NewLowBalance(billing.Account(1)), true,
			"result=OK threshold=nil notify_by_email=0 charge_card=0 charge_amount=0.0 i_debit_credit_card=nil br_charge_card=0 br_charge_amount=nil br_i_debit_credit_card=nil "},
		{billing.NewLowBalance(billing.Customer(1)), false,
			"result=OK threshold=nil notify_by_email=0 charge_card=0 charge_amount=0.0 i_debit_credit_card=nil "},
		{billing.LowBalance{
			Threshold: new(int64(-5_250_000)), ChargeCard: true, ChargeAmount: 10_000_000, Card: new(billing.CardID(7)),
			BRChargeAmount: new(int64(1)), BRCard: new(billing.CardID(8)),
			Retry: &billing.NotificationRetry{Count: 3, Interval: new(int64(12))},
		}, true,
			"result=OK threshold=-5.25 notify_by_email=0 charge_card=1 charge_amount=10.0 i_debit_credit_card=7" +
				" br_charge_card=0 br_charge_amount=0.000001 br_i_debit_credit_card=8 notification_retry_count=3 notification_retry_interval=12 "},
		{billing.LowBalance{NotifyByEmail: true, BRChargeCard: true}, true,
			"result=OK threshold=nil notify_by_email=1 charge_card=0 charge_amount=0.0 i_debit_credit_card=nil br_charge_card=1 br_charge_amount=nil br_i_debit_credit_card=nil "},
		{billing.LowBalance{Retry: &billing.NotificationRetry{}}, false,
			"result=OK threshold=nil notify_by_email=0 charge_card=0 charge_amount=0.0 i_debit_credit_card=nil notification_retry_count=0 notification_retry_interval=nil "},
	} {
		got := ""
		reply := lowBalanceReply(&c.policy, c.account)
		for _, member := range reply.Members() {
			text := member.Value.Text()
			if member.Value.Kind() == xmlrpc.KindNil {
				text = "nil"
			}
			got += member.Name + "=" + text + " "
		}
		if got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
	}
}

// kinds says what each member of the reply must be; clients test for the tag (1.10).
func TestGetLowBalanceKinds(t *testing.T) {
	policy := billing.LowBalance{
		Threshold: new(int64), Card: new(billing.CardID), BRChargeAmount: new(int64), BRCard: new(billing.CardID),
		Retry: &billing.NotificationRetry{Interval: new(int64)},
	}
	want := "string double boolean boolean double int boolean double int int int "
	got := ""
	reply := lowBalanceReply(&policy, true)
	for _, member := range reply.Members() {
		got += member.Value.Kind().String() + " "
	}
	if got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// setMember is one member of setLowBalance: what it takes, where it goes.
type setMember struct {
	name  string
	field string // of billing.SetLowBalanceParams
	good  map[string]xmlrpc.Value
	bad   []xmlrpc.Value
}

// never is what no member takes.
var never = []xmlrpc.Value{
	xmlrpc.String("1"), xmlrpc.String("null"), xmlrpc.String(" "), xmlrpc.Struct(), xmlrpc.Array(),
	xmlrpc.DateTime("20260101T00:00:00"), xmlrpc.Base64([]byte("1")),
}

func setMembers() []setMember {
	money := map[string]xmlrpc.Value{
		"null": xmlrpc.Nil(), "null ": xmlrpc.String(""), "10000000": xmlrpc.Int(10), "5250000": xmlrpc.Double("5.25"),
		"-5250000": xmlrpc.Double("-5.25"), "0": xmlrpc.Double("-0.0"), "300000": xmlrpc.Double("0.30000000000000004"),
		"1": xmlrpc.Double("1e-06"), "10500000": xmlrpc.Double("1.05E+1"), "9223372036854775807": xmlrpc.Double("9223372036854.775807"),
	}
	noMoney := []xmlrpc.Value{
		xmlrpc.Double("nan"), xmlrpc.Double("inf"), xmlrpc.Double("-inf"), xmlrpc.Double("1e300"), xmlrpc.Double("1e400"), xmlrpc.Double("1e999999999"),
		xmlrpc.Double("9223372036854.775808"), xmlrpc.Double("0.1234567"), xmlrpc.Double("0.000001002"), xmlrpc.Double(""), xmlrpc.Double("1,5"), xmlrpc.Bool(true),
	}
	flags := map[string]xmlrpc.Value{
		"null": xmlrpc.Nil(), "true": xmlrpc.Bool(true), "false": xmlrpc.Bool(false), "true ": xmlrpc.Int(1), "false ": xmlrpc.Int(0),
	}
	noFlags := []xmlrpc.Value{xmlrpc.Int(2), xmlrpc.Int(-1), xmlrpc.Double("1.0"), xmlrpc.String(""), xmlrpc.String("true")}
	numbers := map[string]xmlrpc.Value{"null": xmlrpc.Nil(), "null ": xmlrpc.String(""), "7": xmlrpc.Int(7)}
	noNumbers := []xmlrpc.Value{xmlrpc.Double("7.0"), xmlrpc.Bool(true)}
	noCards := append([]xmlrpc.Value{xmlrpc.Int(0), xmlrpc.Int(-7)}, noNumbers...)
	return []setMember{
		{"threshold", "Threshold", money, noMoney},
		{"notify_by_email", "NotifyByEmail", flags, noFlags},
		{"charge_card", "ChargeCard", flags, noFlags},
		{"charge_amount", "ChargeAmount", money, noMoney},
		{"i_debit_credit_card", "Card", numbers, noCards},
		{"br_charge_card", "BRChargeCard", flags, noFlags},
		{"br_charge_amount", "BRChargeAmount", money, noMoney},
		{"br_i_debit_credit_card", "BRCard", numbers, noCards},
		{"notification_retry_count", "RetryCount", numbers, noNumbers},
		{"notification_retry_interval", "RetryInterval", numbers, noNumbers},
	}
}

func TestSetLowBalanceMembers(t *testing.T) {
	owner := members{m("i_account", xmlrpc.Int(100))}
	for _, member := range setMembers() {
		for want, v := range member.good {
			f := accepts(t, "setLowBalance", with(owner, m(member.name, v)))
			if got := given(f.set); len(got) != 1 || got[member.field] != trim(want) {
				t.Errorf("%s=%s: got %v, want %s", member.name, v.Text(), got, want)
			}
		}
		for _, v := range append(append([]xmlrpc.Value{}, never...), member.bad...) {
			refuses(t, "setLowBalance", with(owner, m(member.name, v)), 400, "Wrong "+member.name)
		}
	}
	// No member at all is for the engine to refuse.
	if f := accepts(t, "setLowBalance", owner); len(given(f.set)) != 0 {
		t.Errorf("got %v", given(f.set))
	}
}

func trim(s string) string {
	if s[len(s)-1] == ' ' {
		return s[:len(s)-1]
	}
	return s
}

// given lists the fields that change.
func given(p billing.SetLowBalanceParams) map[string]string {
	fields := map[string]string{}
	v := reflect.ValueOf(p)
	for i := range v.NumField() {
		change := v.Field(i)
		if change.Kind() != reflect.Struct || !change.FieldByName("Given").Bool() {
			continue
		}
		name := v.Type().Field(i).Name
		if value := change.FieldByName("Value"); value.IsNil() {
			fields[name] = "null"
		} else {
			fields[name] = fmt.Sprint(value.Elem().Interface())
		}
	}
	return fields
}

func TestSetLowBalanceNamesTheFirst(t *testing.T) {
	var in members
	names := setMembers()
	for _, member := range names {
		in = append(members{m(member.name, xmlrpc.Struct())}, in...) // the other way round
	}
	// The order is that of the page, the newer switches' two before br_*.
	for _, i := range []int{0, 1, 2, 3, 4, 8, 9, 5, 6, 7} {
		refuses(t, "setLowBalance", with(in, m("i_account", xmlrpc.Int(1))), 400, "Wrong "+names[i].name)
		in = without(in, names[i].name)
	}
}
