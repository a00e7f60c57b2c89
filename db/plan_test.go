package db

import (
	"context"
	"strings"
	"testing"

	"topupd/billing"
)

// plan is a statement whose cost must not follow the size of a table.
type plan struct {
	query string
	args  int
	want  []string // what SQLite's plan names
}

// plans are those of the statements that are run often, or on what grows.
var plans = map[string]plan{
	"owner policy":           {sqlOwnerPolicy, 1, []string{"o USING INTEGER PRIMARY KEY", "p USING INTEGER PRIMARY KEY"}},
	"judged":                 {sqlJudged, 1, []string{"o USING INTEGER PRIMARY KEY", "b USING PRIMARY KEY", "charges_open", "periods_open"}},
	"due judgements":         {sqlDueJudgements, 2, []string{"low_balance_judge"}},
	"policies":               {sqlPolicies, 2, []string{"p USING INTEGER PRIMARY KEY"}},
	"policies below":         {sqlPoliciesBelow, 2, []string{"low_balance_below"}},
	"owners":                 {sqlOwners, 2, []string{"o USING INTEGER PRIMARY KEY"}},
	"owners within":          {sqlOwnersWithin, 5, []string{"owners_top"}},
	"owners of a kind":       {sqlOwnersOfKind, 3, []string{"owners_kind"}},
	"account named":          {sqlAccountNamed, 1, []string{"owners_username"}},
	"customers named":        {sqlCustomersNamed, 1, []string{"owners_name"}},
	"account rows":           {sqlAccountRows, 2, []string{"owners_kind", "b USING PRIMARY KEY"}},
	"account rows below":     {sqlAccountRowsBelow, 3, []string{"owners_parent", "b USING PRIMARY KEY"}},
	"customer rows":          {sqlCustomerRows, 2, []string{"owners_kind", "b USING PRIMARY KEY", "logins_owner"}},
	"customers below":        {sqlCustomerRowsBelow, 3, []string{"owners_parent", "b USING PRIMARY KEY", "logins_owner"}},
	"unfinished":             {sqlUnfinished, 1, []string{"b USING PRIMARY KEY", "charges_owner", "periods_open", "disputes_held", "disputes_open", "refunds_open", "owners_parent"}},
	"logins of owner":        {sqlLoginsOf, 1, []string{"logins_owner"}},
	"drop logins":            {sqlDropLoginsOf, 1, []string{"logins_owner"}},
	"delete cards":           {sqlDeleteCardsOf, 2, []string{"cards_owner"}},
	"revoke all":             {sqlRevokeAll, 2, []string{"mandates_owner"}},
	"highest number":         {sqlMaxOwner, 1, []string{"owners_kind"}},
	"held within":            {sqlSetHeldWithin, 5, []string{"owners_top"}},
	"cards of an owner":      {sqlCardsOf, 1, []string{"cards_owner"}},
	"expiring cards":         {sqlExpiringCards, 4, []string{"cards_expiry"}},
	"active mandate":         {sqlActiveMandate, 2, []string{"mandates_active"}},
	"mandates":               {sqlMandates, 1, []string{"mandates_owner"}},
	"revoke":                 {sqlRevokeMandates, 3, []string{"mandates_active"}},
	"hubs over an owner":     {sqlHubsOver, 4, []string{"hub_subscriptions_once"}},
	"bucket":                 {sqlBucket, 2, []string{"PRIMARY KEY"}},
	"move a bucket":          {sqlMoveBucket, 3, []string{"PRIMARY KEY"}},
	"posting by cause":       {sqlPostingByCause, 1, []string{"postings_cause"}},
	"postings":               {sqlPostings, 3, []string{"entries_owner", "p USING INTEGER PRIMARY KEY"}},
	"entries":                {sqlEntries, 1, []string{"PRIMARY KEY"}},
	"charge by cause":        {sqlChargeByCause, 1, []string{"charges_cause"}},
	"automatic since":        {sqlAutomaticSince, 3, []string{"charges_owner"}},
	"charges of owner":       {sqlChargesOf, 8, []string{"charges_owner"}},
	"charges of run":         {sqlChargesOfRun, 8, []string{"charges_run"}},
	"charges within":         {sqlChargesWithin, 8, []string{"charges_top"}},
	"charges open":           {sqlChargesOpen, 5, []string{"charges_state"}},
	"paid since":             {sqlPaidSince, 6, []string{"charges_again"}},
	"paid with input":        {sqlPaidWithInput, 5, []string{"charges_input"}},
	"payments":               {sqlPayments, 6, []string{"MERGE (UNION ALL)", "charges_owner (owner_id=? AND created_at>? AND created_at<?)", "entries_payments (owner_id=? AND payment_at>? AND payment_at<?)", "a USING PRIMARY KEY", "k USING INTEGER PRIMARY KEY", "p USING INTEGER PRIMARY KEY"}},
	"payment, a charge":      {sqlPaymentOfCharge, 2, []string{"c USING INTEGER PRIMARY KEY"}},
	"payment, a posting":     {sqlPaymentOfPosting, 2, []string{"e USING PRIMARY KEY"}},
	"attempt by key":         {sqlAttemptByKey, 1, []string{"attempts_key"}},
	"attempt by ref":         {sqlAttemptByRef, 2, []string{"attempts_ref"}},
	"declined tries":         {sqlDeclinedTries, 3, []string{"attempts_declined"}},
	"submitted since":        {sqlSubmittedSince, 1, []string{"attempts_submitted"}},
	"cards that are one":     {sqlCardsByFingerprint, 2, []string{"cards_fingerprint"}},
	"cards of customer":      {sqlCardsOfCustomer, 2, []string{"cards_gateway"}},
	"refund by key":          {sqlRefundByKey, 1, []string{"refunds_key"}},
	"refund by ref":          {sqlRefundByRef, 2, []string{"refunds_ref"}},
	"refunds of charge":      {sqlRefundsOf, 1, []string{"refunds_charge"}},
	"due refunds":            {sqlDueRefunds, 3, []string{"refunds_due"}},
	"disputes of charge":     {sqlDisputesOf, 1, []string{"disputes_charge"}},
	"holding disputes":       {sqlHoldingDisputes, 1, []string{"disputes_held"}},
	"due charges":            {sqlDueCharges, 7, []string{"charges_due"}},
	"due asks":               {sqlDueAsks, 7, []string{"charges_ask"}},
	"run tally":              {sqlRunTally, 1, []string{"charges_run", "notices_run", "periods_run", "a USING PRIMARY KEY"}},
	"due accounts":           {sqlDueAccounts, 4, []string{"account_plans_next"}},
	"open periods":           {sqlOpenPeriods, 1, []string{"periods_open"}},
	"waiting periods":        {sqlWaitingPeriods, 2, []string{"periods_waiting"}},
	"run by key":             {sqlRunByKey, 2, []string{"runs_key"}},
	"last key":               {sqlLastKey, 1, []string{"runs_key"}},
	"runs of a job":          {sqlRunsOfJob, 3, []string{"runs_job"}},
	"due notices":            {sqlDueNotices, 3, []string{"notices_due"}},
	"notices of owner":       {sqlNoticesOf, 3, []string{"notices_owner"}},
	"decisions":              {sqlDecisionsOf, 3, []string{"decisions_owner"}},
	"balances":               {sqlOwnerEntries, 0, []string{"entries_owner"}},
	"bookings":               {sqlBookings, 0, []string{"postings_charge"}},
	"username":               {sqlAccountByUsername, 1, []string{"owners_username"}},
	"voucher by code":        {sqlVoucherByCode, 1, []string{"vouchers_code"}},
	"guesses":                {sqlGuesses, 1, []string{"voucher_guesses USING PRIMARY KEY"}},
	"vouchers":               {sqlVouchers, 2, []string{"USING INTEGER PRIMARY KEY"}},
	"linked topups":          {sqlTopupsLinked, 3, []string{"owner_topup_linked"}},
	"topups of profile":      {sqlTopupsOfProfile, 4, []string{"owner_topup_profile"}},
	"topups":                 {sqlTopups, 3, []string{"t USING INTEGER PRIMARY KEY"}},
	"limits":                 {sqlLimits, 2, []string{"PRIMARY KEY"}},
	"profiles named":         {sqlProfilesNamed, 1, []string{"auto_topup_profiles_name"}},
	"profile linked":         {sqlProfileLinked, 1, []string{"owner_topup_profile"}},
	"open expected":          {sqlOpenExpected, 1, []string{"expected_payments_open"}},
	"last expected":          {sqlLastExpected, 1, []string{"expected_payments_last"}},
	"expected by charge":     {sqlExpectedByCharge, 1, []string{"expected_payments_charge"}},
	"expected of owner":      {sqlExpectedOf, 8, []string{"expected_payments_owner"}},
	"expected within":        {sqlExpectedWithin, 10, []string{"expected_payments_top"}},
	"expected":               {sqlExpectedAll, 7, []string{"e USING INTEGER PRIMARY KEY"}},
	"letters of owner":       {sqlLettersOf, 3, []string{"correspondence_owner"}},
	"letter type named":      {sqlLetterTypeNamed, 1, []string{"correspondence_types_name"}},
	"subscriptions":          {sqlSubscriptions, 2, []string{"s USING INTEGER PRIMARY KEY", "o USING INTEGER PRIMARY KEY"}},
	"gateway payments":       {sqlGatewayPayments, 2, []string{"p USING INTEGER PRIMARY KEY", "o USING INTEGER PRIMARY KEY"}},
	"paid with card":         {sqlPaidWithCard, 1, []string{"gateway_payments_card"}},
	"order by payment":       {sqlOrderByPayment, 1, []string{"orders_payment"}},
	"newest order":           {sqlNewestOrder, 1, []string{"orders_subscription"}},
	"orders":                 {sqlOrders, 2, []string{"d USING INTEGER PRIMARY KEY", "s USING INTEGER PRIMARY KEY"}},
	"token by hash":          {sqlTokenByHash, 1, []string{"tokens_hash"}},
	"token named":            {sqlTokenNamed, 2, []string{"tokens_name"}},
	"end subscriptions":      {sqlEndHubsOf, 2, []string{"hub_subscriptions_once"}},
	"revoke tokens":          {sqlRevokeTokensOf, 2, []string{"tokens_name"}},
	"kept answer":            {sqlKeptAnswer, 2, []string{"sqlite_autoindex_idempotency_keys_1 (customer_id=? AND key=?)"}},
	"oldest answer":          {sqlOldestAnswer, 0, []string{"idempotency_time"}},
	"drop answers":           {sqlDropAnswers, 2, []string{"idempotency_time"}},
	"pool plan":              {sqlPoolPlan, 1, []string{"p USING INTEGER PRIMARY KEY", "pool_subscribers_once"}},
	"pool plans":             {sqlPoolPlans, 2, []string{"p USING INTEGER PRIMARY KEY", "o USING INTEGER PRIMARY KEY"}},
	"due pools":              {sqlDuePools, 2, []string{"pool_plans_due"}},
	"pool balances":          {sqlPoolBalances, 1, []string{"l USING PRIMARY KEY", "b USING PRIMARY KEY (owner_id=? AND unit=?)"}},
	"pool subscribers":       {sqlPoolSubscribers, 1, []string{"USING PRIMARY KEY"}},
	"pool top-up":            {sqlPoolTopUp, 1, []string{"sqlite_autoindex_pool_topups"}},
	"due pool top-ups":       {sqlDuePoolTopUps, 2, []string{"pool_topups_due"}},
	"old pool top-ups":       {sqlOldPoolTopUps, 2, []string{"pool_topups_old"}},
	"adjustments":            {sqlAdjustments, 2, []string{"x USING INTEGER PRIMARY KEY"}},
	"adjustments of owner":   {sqlAdjustmentsOf, 3, []string{"adjustments_owner"}},
	"adjustments within":     {sqlAdjustmentsIn, 5, []string{"adjustments_of_top"}},
	"transfers":              {sqlTransfers, 2, []string{"x USING INTEGER PRIMARY KEY"}},
	"transfers of owner":     {sqlTransfersOf, 5, []string{"transfers_owner"}},
	"transfers within":       {sqlTransfersIn, 5, []string{"transfers_of_top"}},
	"reservations":           {sqlReservations, 2, []string{"x USING INTEGER PRIMARY KEY"}},
	"reservations of owner":  {sqlReservationsOf, 3, []string{"reservations_owner"}},
	"reservations within":    {sqlReservationsIn, 5, []string{"reservations_of_top"}},
	"due reservations":       {sqlDueReservations, 2, []string{"reservations_due"}},
	"reserve":                {sqlReserve, 3, []string{"PRIMARY KEY"}},
	"opened bucket":          {sqlOpenedBucket, 2, []string{"x USING PRIMARY KEY", "b USING PRIMARY KEY"}},
	"opened buckets":         {sqlOpenedBuckets, 1, []string{"x USING PRIMARY KEY", "b USING PRIMARY KEY"}},
	"all opened buckets":     {sqlAllOpenedBuckets, 3, []string{"x USING PRIMARY KEY", "b USING PRIMARY KEY", "o USING INTEGER PRIMARY KEY"}},
	"balance actions":        {sqlBalanceActions, 3, []string{"x USING INTEGER PRIMARY KEY", "t USING INTEGER PRIMARY KEY"}},
	"balance actions of":     {sqlBalanceActionsOf, 4, []string{"balance_actions_owner"}},
	"balance actions within": {sqlBalanceActionsIn, 6, []string{"balance_actions_top", "t USING INTEGER PRIMARY KEY"}},
	"drop audit rows":        {sqlDropAudit, 2, []string{"audit USING INTEGER PRIMARY KEY", "audit_time (logged_at<?)"}},
	"audit rows":             {sqlAuditRows, 4, []string{"audit_time"}},
	"watched balances":       {sqlBalancesWatched, 0, []string{"hub_subscriptions_balances"}},
	"events of owner":        {sqlEventsOf, 3, []string{"events_owner"}},
	"events":                 {sqlEvents, 2, []string{"USING INTEGER PRIMARY KEY"}},
	"old events":             {sqlOldEvents, 2, []string{"events_time", "deliveries_once", "h USING INTEGER PRIMARY KEY"}},
	"deliveries of event":    {sqlDeliveriesOf, 1, []string{"deliveries_once"}},
	"deliveries in state":    {sqlDeliveriesInState, 3, []string{"deliveries_state"}},
	"deliveries to hub":      {sqlDeliveriesToHub, 3, []string{"deliveries_hub"}},
	"due hubs":               {sqlDueHubs, 1, []string{"deliveries_due (hub_id=? AND due_at>? AND due_at<?)"}},
	"due deliveries":         {sqlDueDeliveries, 3, []string{"deliveries_due (hub_id=? AND due_at>? AND due_at<?)"}},
	"backlogs":               {sqlBacklogs, 0, []string{"deliveries_waiting (hub_id=?)"}},
	"pending":                {sqlPending, 2, []string{"deliveries_waiting (hub_id=? AND subject>?)"}},
	"head delivery":          {sqlHeadDelivery, 2, []string{"deliveries_head (hub_id=? AND subject=?)"}},
	"waiting delivery":       {sqlWaitingDelivery, 2, []string{"deliveries_waiting (hub_id=? AND subject=?)"}},
	"drop deliveries":        {sqlDropDeliveriesOf, 1, []string{"deliveries_once"}},
	"services of":            {sqlServicesOf, 1, []string{"services_owner"}},
	"services":               {sqlServices, 2, []string{"s USING INTEGER PRIMARY KEY", "o USING INTEGER PRIMARY KEY"}},
	"account by group":       {sqlAccountByGroup, 1, []string{"owners_balance_group"}},
	"topup by charge":        {sqlBalanceTopupByCharge, 1, []string{"topups_charge"}},
	"latest execution":       {sqlLatestExecution, 1, []string{"topups_once"}},
	"open execution":         {sqlOpenExecution, 1, []string{"topups_one_open"}},
	"balance topups":         {sqlBalanceTopupsAll, 3, []string{"t USING INTEGER PRIMARY KEY", "o USING INTEGER PRIMARY KEY"}},
	"topups to export":       {sqlBalanceTopupsExport, 3, []string{"t USING INTEGER PRIMARY KEY", "o USING INTEGER PRIMARY KEY"}},
	"topups of owner":        {sqlBalanceTopupsOwner, 7, []string{"topups_owner (owner_id=? AND id>?)"}},
	"topups within":          {sqlBalanceTopupsCustomer, 6, []string{"topups_of_top (top_id=? AND id>?)"}},
	"count of owner":         {sqlCountBalanceTopupsOwner, 7, []string{"topups_owner"}},
	"count within":           {sqlCountBalanceTopupsCustomer, 6, []string{"topups_of_top"}},
	"rules of":               {sqlRulesOf, 1, []string{"topup_rules_owner"}},
	"suspended rules":        {sqlSuspendedRules, 1, []string{"topup_rules_suspended"}},
	"due rules":              {sqlDueRules, 4, []string{"topup_rules_due"}},
	"rules to export":        {sqlRules, 2, []string{"r USING INTEGER PRIMARY KEY"}},
	"end rules of":           {sqlEndRulesOf, 2, []string{"topup_rules_owner"}},
	"minute plans":           {sqlMinutePlans, 1, []string{"minute_plans_plan"}},
	"minutes used":           {sqlMinutesUsed, 1, []string{"PRIMARY KEY"}},
	"forget minutes":         {sqlForgetMinutes, 1, []string{"minutes_used_plan"}},
	"drop minutes":           {sqlDropMinutes, 1, []string{"PRIMARY KEY"}},
	"all expected":           {sqlAllExpected, 2, []string{"e USING INTEGER PRIMARY KEY", "o USING INTEGER PRIMARY KEY"}},
	"expected with card":     {sqlExpectedWithCard, 1, []string{"expected_payments_card"}},
	"type is used":           {sqlExpectedTypeUsed, 1, []string{"expected_payments_type"}},
	"expected profiles":      {sqlExpectedProfiles, 0, []string{"expected_payments_profile", "o USING INTEGER PRIMARY KEY"}},
	"expected type":          {sqlExpectedTypeNamed, 1, []string{"expected_payment_types_name"}},
	"letter of expected":     {sqlLetterOf, 1, []string{"correspondence_expected"}},
}

// TestQueryPlans holds that the queries whose cost must not follow the size of
// a table find their rows by an index.
func TestQueryPlans(t *testing.T) {
	s := openStore(t, Options{})
	for name, q := range plans {
		t.Run(name, func(t *testing.T) {
			plan := queryPlan(t, s, q.query, q.args)
			for _, want := range q.want {
				if !strings.Contains(plan, want) {
					t.Errorf("the plan does not use %s:\n%s", want, plan)
				}
			}
			// One owner's or one run's charges are few enough to be sorted.
			if strings.Contains(plan, "USE TEMP B-TREE FOR ORDER BY") && !strings.HasPrefix(name, "charges of ") && name != "automatic since" {
				t.Errorf("the plan sorts:\n%s", plan)
			}
		})
	}
}

func queryPlan(t *testing.T, s *Store, query string, args int) string {
	t.Helper()
	var plan strings.Builder
	err := s.View(context.Background(), func(r billing.Reader) error {
		return r.(*reader).each(func(row *row) error {
			row.skip(3)
			plan.WriteString(row.text() + "\n")
			return nil
		}, "EXPLAIN QUERY PLAN "+query, make([]any, args)...)
	})
	if err != nil {
		t.Fatal(err)
	}
	return plan.String()
}
