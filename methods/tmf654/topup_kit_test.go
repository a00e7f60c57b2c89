package tmf654_test

import (
	"strings"
	"time"

	"topupd/billing"
	"topupd/methods/jsonl"
)

const day = 24 * time.Hour

// put imports lines.
func (k *kit) put(lines string) {
	k.Helper()
	if _, err := jsonl.Import(k.as("root"), k.e, jsonl.ImportOptions{Source: strings.NewReader(lines), Name: "lines"}); err != nil {
		k.Fatal(err)
	}
}

// card gives Alice's card another token.
func (k *kit) card(token string) {
	k.Helper()
	k.put(`{"type":"card","i_debit_credit_card":6337651,"i_account":6340627,"gateway":"sandbox","token":"` + token + `","primary":true}`)
}

// begin makes a recurring top-up of 2 and returns its id.
func (k *kit) begin(period, periods string) string {
	k.Helper()
	stop := k.working()
	defer stop()
	n := ""
	if periods != "" {
		n = `,"numberOfPeriods":` + periods
	}
	body := `{"amount":{"amount":2,"units":"USD"},"isAutoTopup":true,"recurringPeriod":"` + period + `"` + n + `,"partyAccount":{"id":"` + alice + `"}}`
	return k.object(201, "root", "POST", base+"/topupBalance", body)["id"].(string)
}

// statuses are those of all top-ups, by id.
func (k *kit) statuses() string {
	k.Helper()
	list, _ := k.list("root", base+"/topupBalance")
	var words []string
	for _, t := range list {
		words = append(words, t["status"].(string))
	}
	return strings.Join(words, " ")
}

func (k *kit) expect(statuses string, dollars int64) {
	k.Helper()
	if got := k.statuses(); got != statuses {
		k.Errorf("the top-ups are %s, want %s", got, statuses)
	}
	if got := k.balance(6340627); got != dollars*billing.Micro {
		k.Errorf("the balance is %s, want %d", billing.FormatMicros(got), dollars)
	}
}
