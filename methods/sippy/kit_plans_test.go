package sippy_test

import "topupd/billing"

// plans are 1 (root's, USD 5 a month), 2 (of customer 10) and account 102, which has the first.
func plans(im *billing.Importer) error {
	for _, p := range []billing.PlanLine{
		{ID: 1, Name: billing.To("Basic"), Price: billing.To(int64(5 * billing.Micro))},
		{ID: 2, Name: billing.To("Acme & Co"), Price: billing.To(int64(0)), Cycle: billing.To("weekly"), Prepaid: billing.To(false),
			Description: billing.To("own plan"), SuspendAllCalls: billing.To(true), Tariff: billing.To(int64(77)), Customer: billing.To(int64(10))},
	} {
		p.Currency = billing.To("USD")
		if err := im.Plan(p); err != nil {
			return err
		}
	}
	line := account(102, 10)
	line.Plan = billing.To(int64(1))
	return im.Owner(line)
}
