package db_test

import (
	"fmt"
	"testing"
	"time"

	"topupd/billing"
)

// TestVerifyFindsBalanceTopups damages what verify looks for in the top-ups of TMF654 and
// their rules: one paid by card (1), one declined (2), one by voucher (3), one withdrawn
// (4), a rule with four periods (5 to 8), one that was imported and never ran (9), and a
// top-up that was imported (10).
func TestVerifyFindsBalanceTopups(t *testing.T) {
	verifyFinds(t, bookBalanceTopups, map[string]damage{
		"paid, and not captured":     {`UPDATE charges SET state = 'failed', posting_id = NULL WHERE cause = 'topup:1'`, []string{"C4", "U1"}},
		"paid by nothing":            {`UPDATE topups SET state = 'completed', balance_before = 0, balance_after = amount WHERE id = 2`, []string{"U1"}},
		"paid by another posting":    {`UPDATE topups SET posting_id = 1 WHERE id = 1`, []string{"U1", "U1", "U1"}},
		"paid without its posting":   {`UPDATE topups SET posting_id = NULL WHERE id = 1`, []string{"U1"}},
		"failed and booked":          {`UPDATE topups SET state = 'failed', posting_id = NULL WHERE id = 1`, []string{"U1"}},
		"open and booked":            {`UPDATE topups SET state = 'created', posting_id = NULL, settled_at = NULL WHERE id = 1`, []string{"U1"}},
		"withdrawn and failed":       {`UPDATE topups SET state = 'cancelled' WHERE id = 2`, []string{"U1"}},
		"withdrawn and on its way":   {`UPDATE charges SET state = 'submitted', settled_at = NULL WHERE cause = 'topup:4'`, []string{"U1"}},
		"the charge is gone":         {`UPDATE topups SET charge_id = 99 WHERE id = 1`, []string{"U1", "U1"}},
		"the top-up is gone":         {`DELETE FROM topups WHERE id = 1`, []string{"U1", "U1"}},
		"one charge, two top-ups":    {`DROP INDEX topups_charge; UPDATE topups SET charge_id = 1 WHERE id = 2`, []string{"U1", "U1", "U1", "U1"}},
		"one posting, two top-ups":   {`DROP INDEX topups_posting; UPDATE topups SET posting_id = (SELECT posting_id FROM charges WHERE id = 1) WHERE id = 3`, []string{"U1", "U1", "U1", "U1"}},
		"another amount":             {`UPDATE topups SET amount = amount + 1, balance_after = balance_after + 1 WHERE id = 1`, []string{"U1", "U1"}},
		"another currency":           {`UPDATE topups SET unit = 'EUR' WHERE id = 1`, []string{"U1", "U1"}},
		"another owner":              {`UPDATE topups SET owner_id = 5 WHERE id = 1`, []string{"U1", "U1", "U1"}},
		"a charge of something else": {`UPDATE charges SET cause = 'key:1' WHERE id = 1`, []string{"U1"}},
		"an action of another kind":  {`UPDATE balance_actions SET kind = 'transfer' WHERE id = 1`, []string{"U1"}},
		"no action":                  {`DELETE FROM balance_actions WHERE id = 1`, []string{"U1"}},
		"another balance":            {`UPDATE topups SET balance_before = balance_before + 1, balance_after = balance_after + 1 WHERE id = 1`, []string{"U1"}},
		"another balance after":      {`UPDATE topups SET balance_after = balance_after + 1 WHERE id = 1`, []string{"U1"}},
		"no balances":                {`UPDATE topups SET balance_before = NULL, balance_after = NULL WHERE id = 3`, []string{"U1"}},
		"a voucher and a charge":     {`UPDATE topups SET voucher = 'WXYZ' WHERE id = 1`, []string{"U1", "U1"}},
		"neither of the two":         {`UPDATE topups SET voucher = '' WHERE id = 3`, []string{"U1"}},
		"redeemed and failed":        {`UPDATE topups SET state = 'failed' WHERE id = 3`, []string{"U1"}},
		"redeemed by no posting":     {`UPDATE topups SET posting_id = NULL WHERE id = 3`, []string{"U1"}},
		"redeemed by another kind":   {`UPDATE postings SET kind = 'credit' WHERE kind = 'voucher'`, []string{"U1"}},
		"redeemed from nothing":      {`UPDATE postings SET cause = 'voucher:8' WHERE kind = 'voucher'`, []string{"U1"}},
		"redeemed by nobody":         {`UPDATE vouchers SET used_by = NULL, used_at = NULL`, []string{"U1"}},
		"redeemed by another":        {`UPDATE vouchers SET used_by = 3`, []string{"U1"}},
		"worth more":                 {`UPDATE vouchers SET amount = amount + 1`, []string{"U1"}},
		"worth another currency":     {`UPDATE vouchers SET currency = 'EUR'`, []string{"U1"}},
		"imported with a posting":    {`UPDATE topups SET posting_id = 1, balance_before = 0, balance_after = amount WHERE id = 10`, []string{"U1", "U1"}},
		"an execution not attempted": {`UPDATE topups SET state = 'cancelled' WHERE id = 7`, []string{"U1", "U2"}},

		"a child of no rule":          {`UPDATE topups SET rule_id = 99 WHERE id = 6`, []string{"U2", "U2"}},
		"a child of another's rule":   {`UPDATE topups SET rule_id = 9 WHERE id = 8`, []string{"U2", "U2"}},
		"a child over another amount": {`UPDATE topup_rules SET amount = amount + 1 WHERE id = 5`, []string{"U2", "U2", "U2", "U2"}},
		"a child that is the first":   {`UPDATE topups SET period = 7 WHERE id = 5`, []string{"U2", "U2"}},
		"a rule without its top-up":   {`UPDATE topups SET rule_id = NULL WHERE id = 5`, []string{"U2", "U2"}},
		"one period twice":            {`DROP INDEX topups_once; UPDATE topups SET period = 1 WHERE id = 7`, []string{"U2", "U2"}},
		"two executions at once":      {`DROP INDEX topups_one_open; UPDATE topups SET state = 'created', posting_id = NULL WHERE id = 6`, []string{"U1", "U2", "U2", "U2"}},
		"more is done":                {`UPDATE topup_rules SET done = done + 1 WHERE id = 5`, []string{"U2"}},
		"less is done":                {`UPDATE topup_rules SET done = 1 WHERE id = 5`, []string{"U2"}},
		"a period comes again":        {`UPDATE topup_rules SET next_n = 3 WHERE id = 5`, []string{"U2"}},
		"it goes on unpaid":           {`UPDATE charges SET state = 'failed', posting_id = NULL WHERE cause = 'topup:5'; UPDATE topups SET state = 'failed', posting_id = NULL WHERE id = 5`, []string{"C4", "U2"}},
	})
}

// topupBook writes top-ups with all that belongs to them.
type topupBook struct {
	tx billing.Tx
	at time.Time
	// cards are by owner.
	cards map[billing.OwnerID]billing.CardID
	err   error
}

func (b *topupBook) tell(err error) {
	if b.err == nil {
		b.err = err
	}
}

// action is a new top-up of an owner over an amount.
func (b *topupBook) action(o billing.OwnerID, amount int64) billing.BalanceTopup {
	a := billing.BalanceAction{Kind: billing.ActionTopup, Owner: o, Top: acme, CreatedAt: b.at}
	b.tell(b.tx.AddBalanceAction(&a))
	return billing.BalanceTopup{ID: billing.TopupID(a.ID), Owner: o, Top: acme, Unit: usd, Amount: amount, CreatedAt: b.at}
}

// credit closes a top-up with a posting from an account.
func (b *topupBook) credit(t *billing.BalanceTopup, from string, p billing.Posting) billing.PostingID {
	bucket, err := b.tx.Bucket(t.Owner, usd)
	b.tell(err)
	p.Top = acme
	p.Entries = []billing.Entry{{Owner: t.Owner, Unit: usd, Micros: t.Amount}, {Account: from, Unit: usd, Micros: -t.Amount}}
	b.tell(b.tx.Post(&p))
	after := bucket.Balance + t.Amount
	t.State, t.Posting, t.Before, t.After, t.SettledAt = billing.TopupCompleted, p.ID, &bucket.Balance, &after, b.at
	return p.ID
}

// byCard writes a top-up whose charge is in a state.
func (b *topupBook) byCard(t billing.BalanceTopup, purpose billing.Purpose, s billing.ChargeState) {
	cause := fmt.Sprint("topup:", int64(t.ID))
	c := billing.Charge{
		Owner: t.Owner, Top: acme, Purpose: purpose, Cause: cause, Card: b.cards[t.Owner], Gateway: "sandbox", Unit: usd,
		Credit: t.Amount, Gross: t.Amount, State: billing.ChargeCreated, Attempt: 1, CreatedAt: b.at,
	}
	if purpose == billing.PurposeManual {
		c.By.Customer = acme
	}
	b.tell(b.tx.CreateCharge(&c))
	t.Charge = c.ID
	switch s {
	case billing.ChargeSucceeded:
		c.Posting = b.credit(&t, billing.CashAccount("sandbox"), billing.Posting{Kind: billing.PostCharge, Cause: "charge:" + cause, Charge: c.ID})
	case billing.ChargeFailed:
		t.State, t.SettledAt = billing.TopupFailed, b.at
	case billing.ChargeCancelled:
		t.State, t.SettledAt = billing.TopupCancelled, b.at
	default:
		t.State = billing.TopupCreated
	}
	if c.State = s; !s.Open() {
		c.SettledAt = b.at
	}
	b.tell(b.tx.SetCharge(&c))
	b.tell(b.tx.CreateBalanceTopup(&t))
}

func (b *topupBook) rule(t billing.BalanceTopup, next, done int64) billing.TopupID {
	b.tell(b.tx.CreateTopupRule(&billing.TopupRule{
		ID: t.ID, Owner: t.Owner, Top: acme, Unit: usd, Amount: t.Amount, Period: billing.TopupDaily, Anchor: b.at, Next: next, NextAt: b.at, Done: done,
		State: billing.RuleActive, CreatedAt: b.at, UpdatedAt: b.at,
	}))
	return t.ID
}

func bookBalanceTopups(tx billing.Tx) error {
	if err := fill(tx, 3); err != nil {
		return err
	}
	b := topupBook{tx: tx, at: time.Now().UTC(), cards: map[billing.OwnerID]billing.CardID{}}
	first, second, third := billing.Account(1), billing.Account(2), billing.Account(3)
	for _, o := range []billing.OwnerID{first, third} {
		card := billing.Card{Owner: o, Gateway: "sandbox", State: billing.CardUsable}
		b.tell(tx.PutCard(&card))
		b.cards[o] = card.ID
	}
	b.byCard(b.action(first, 11), billing.PurposeManual, billing.ChargeSucceeded)
	b.byCard(b.action(first, 12), billing.PurposeManual, billing.ChargeFailed)
	voucher := billing.Voucher{ID: 7, Top: billing.Root, CodeHash: make([]byte, 32), Hint: "WXYZ", Amount: 13, Currency: usd, CreatedAt: b.at}
	b.tell(tx.PutVoucher(&voucher))
	if _, err := tx.UseVoucher(voucher.ID, second, acme, b.at); err != nil {
		return err
	}
	redeemed := b.action(second, 13)
	redeemed.Voucher = "WXYZ"
	b.credit(&redeemed, billing.AccountVoucher, billing.Posting{Kind: billing.PostVoucher, Cause: "voucher:7"})
	b.tell(tx.CreateBalanceTopup(&redeemed))
	b.byCard(b.action(first, 14), billing.PurposeManual, billing.ChargeCancelled)

	rule := b.action(third, 15)
	rule.Rule = b.rule(rule, 4, 3)
	b.byCard(rule, billing.PurposeManual, billing.ChargeSucceeded)
	execution := func(period int64) billing.BalanceTopup {
		t := b.action(third, 15)
		t.Rule, t.Period = rule.Rule, period
		return t
	}
	b.byCard(execution(1), billing.PurposeRecurring, billing.ChargeSucceeded)
	without := execution(2) // there was no card
	without.State, without.SettledAt = billing.TopupFailed, b.at
	b.tell(tx.CreateBalanceTopup(&without))
	b.byCard(execution(3), billing.PurposeRecurring, billing.ChargeUnknown)

	came := b.action(second, 16)
	came.Rule, came.State, came.Imported = b.rule(came, 0, 0), billing.TopupCreated, true
	b.tell(tx.CreateBalanceTopup(&came))
	old := b.action(second, 17)
	old.State, old.Imported, old.SettledAt = billing.TopupCompleted, true, b.at
	b.tell(tx.CreateBalanceTopup(&old))
	return b.err
}
