package db_test

import (
	"testing"
	"time"

	"topupd/billing"
)

// TestVerifyFindsTopups damages what the REST interfaces lead to in every way that verify
// looks for.
func TestVerifyFindsTopups(t *testing.T) {
	verifyFinds(t, bookTopups, map[string]damage{
		"the charge is gone":          {`UPDATE expected_payments SET charge_id = 99 WHERE charge_id IS NOT NULL`, []string{"E1", "E1"}},
		"another amount":              {`UPDATE expected_payments SET amount = amount + 1 WHERE charge_id IS NOT NULL`, []string{"E1"}},
		"of another purpose":          {`UPDATE charges SET purpose = 'low_balance'`, []string{"E1"}},
		"paid and open":               {`UPDATE expected_payments SET payment_id = NULL, fulfilled_at = NULL`, []string{"E1"}},
		"paid by what failed":         {`UPDATE charges SET state = 'failed', posting_id = NULL`, []string{"C4", "E1", "E1"}},
		"paid by another's":           {`UPDATE expected_payments SET payment_id = 3, fulfilled_at = 5 WHERE profile_id IS NOT NULL AND owner_id = 22`, []string{"E1"}},
		"a charge for nothing":        {`UPDATE expected_payments SET charge_id = NULL, payment_id = NULL`, []string{"E1"}},
		"a letter of nothing":         {`UPDATE correspondence SET notice_id = 99`, []string{"E2", "E2"}},
		"a letter to another":         {`UPDATE correspondence SET owner_id = 22`, []string{"E2"}},
		"a letter about another":      {`UPDATE notices SET cause = 'topup:99'`, []string{"E2", "E2"}},
		"a notice without a letter":   {`DELETE FROM correspondence`, []string{"E2"}},
		"an order of another posting": {`UPDATE orders SET posting_id = 1`, []string{"O1", "O1"}},
		"an order is gone":            {`DELETE FROM orders`, []string{"O1"}},
		"a payment is gone":           {`DELETE FROM gateway_payments`, []string{"O1", "O1"}},
		"a pool's posting is gone":    {`UPDATE pool_topups SET posting_id = 1`, []string{"P1"}},
		"booked and refused":          {`UPDATE pool_topups SET state = 'failure', posting_id = NULL`, []string{"P1"}},
		"granted more":                {`UPDATE entries SET micros = micros * 2 WHERE unit = 'SMS/500'`, []string{"L3", "P1"}},
		"it cost nothing":             {`UPDATE entries SET micros = micros * 2 WHERE unit = 'USD' AND posting_id = (SELECT posting_id FROM pool_topups)`, []string{"L3", "P1"}},
	})
}

// bookTopups makes a top-up that was charged and one that is only expected, an order and a
// pool top-up.
func bookTopups(tx billing.Tx) error {
	at := time.Now().UTC()
	tell := func(errs ...error) error {
		for _, err := range errs {
			if err != nil {
				return err
			}
		}
		return nil
	}
	if err := fill(tx, 1); err != nil {
		return err
	}
	o, other := billing.Customer(10), billing.Customer(11)
	bolt := billing.Owner{ID: other, Parent: billing.Root, Top: other, Path: "/1/11/", Name: "Bolt", Currency: usd}
	card := billing.Card{Owner: o, Gateway: "sandbox", State: billing.CardUsable}
	profile := billing.Profile{Name: "P", Basis: billing.BasisOutstanding, Trigger: billing.TriggerAbsolute, Limit: "Credit Limit", Mode: billing.TopupFixed}
	if err := tell(tx.PutOwner(&bolt), tx.PutCard(&card), tx.PutProfile(&profile)); err != nil {
		return err
	}
	charge := billing.Charge{
		Owner: o, Top: o, Purpose: billing.PurposeProfile, Cause: "profile:1", Card: card.ID, Gateway: "sandbox", Unit: usd,
		Credit: 10, Gross: 10, State: billing.ChargeCreated, Attempt: 1, CreatedAt: at,
	}
	if err := tx.CreateCharge(&charge); err != nil {
		return err
	}
	post := billing.Posting{Top: o, Kind: billing.PostCharge, Cause: "charge:1", Charge: charge.ID, Entries: []billing.Entry{
		{Owner: o, Unit: usd, Micros: 10}, {Account: billing.CashAccount("sandbox"), Unit: usd, Micros: -10},
	}}
	if err := tx.Post(&post); err != nil {
		return err
	}
	charge.State, charge.Posting, charge.SettledAt = billing.ChargeSucceeded, post.ID, at
	ep := billing.ExpectedPayment{
		Owner: o, Top: o, Type: billing.ExpectedTopup, Profile: profile.ID, Date: "2026-11-22", Amount: 10, Unit: usd, Method: billing.CollectCard,
		Card: card.ID, Charge: charge.ID, Payment: billing.ChargePayment(charge.ID), FulfilledAt: at, Revision: 1, CreatedAt: at, UpdatedAt: at,
	}
	open := billing.ExpectedPayment{
		Owner: other, Top: other, Type: billing.ExpectedTopup, Profile: profile.ID, Date: "2026-11-22", Amount: 5, Unit: usd,
		Method: billing.CollectNone, Revision: 1, CreatedAt: at, UpdatedAt: at,
	}
	if err := tell(tx.SetCharge(&charge), tx.CreateExpectedPayment(&ep), tx.CreateExpectedPayment(&open)); err != nil {
		return err
	}
	n := billing.Notice{Owner: o, Top: o, Kind: billing.NoticeTopup, Cause: "topup:1", State: billing.NoticePending, DueAt: at, CreatedAt: at}
	if err := tx.CreateNotice(&n); err != nil {
		return err
	}
	letter := billing.Letter{Owner: o, Top: o, Type: 1, Expected: ep.ID, Notice: n.ID, CreatedAt: at}
	paid := billing.GatewayPayment{ID: 7, Owner: o, Top: o, Amount: 20, Currency: usd, Card: &card.ID, Status: billing.PaymentPaid}
	sub := billing.Subscription{ID: 1, Owner: o, Top: o, PhoneNumber: "1", State: billing.SubscriptionActive}
	prepaid := billing.Posting{Top: o, Kind: billing.PostPrepaid, Cause: "gateway_payment:7", Entries: []billing.Entry{
		{Owner: o, Unit: usd, Micros: 20}, {Account: billing.CashAccount("sandbox"), Unit: usd, Micros: -20},
	}}
	if err := tell(tx.CreateLetter(&letter), tx.PutSubscription(&sub), tx.PutGatewayPayment(&paid), tx.Post(&prepaid)); err != nil {
		return err
	}
	order := billing.Order{
		Subscription: 1, Payment: 7, Top: o, Posting: prepaid.ID, Type: billing.OrderTopup, Status: billing.OrderCompleted, CreatedAt: at, EffectiveAt: at,
	}
	plan := billing.PoolPlan{Offer: 500, Customer: other, Top: other, Name: "Pool", Currency: usd}
	if err := tell(tx.CreateOrder(&order), tx.PutPoolPlan(&plan)); err != nil {
		return err
	}
	pool := billing.PoolTopUp{
		ID: "e7fcef24-5c03-41dd-9e33-995b7d6f32b1", Requester: billing.Root, Customer: other, Top: other, Offer: 500, Charge: 3, Currency: usd, SMS: 4, KB: 5,
		State: billing.PoolTopUpOpen, DueAt: at, CreatedAt: at,
	}
	granted := billing.Posting{Top: other, Kind: billing.PostPoolTopUp, Cause: "pool_topup:" + string(pool.ID), Entries: []billing.Entry{
		{Owner: other, Unit: usd, Micros: -3}, {Account: billing.AccountRevenue, Unit: usd, Micros: 3},
		{Owner: other, Unit: "SMS/500", Micros: 4}, {Account: billing.AccountAllowance, Unit: "SMS/500", Micros: -4},
		{Owner: other, Unit: "KB/500", Micros: 5}, {Account: billing.AccountAllowance, Unit: "KB/500", Micros: -5},
	}}
	if err := tell(tx.CreatePoolTopUp(&pool), tx.Post(&granted)); err != nil {
		return err
	}
	pool.State, pool.Posting, pool.DueAt, pool.FinishedAt = billing.PoolTopUpSuccess, granted.ID, time.Time{}, at
	return tx.SetPoolTopUp(&pool)
}
