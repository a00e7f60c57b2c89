package sippy_test

import "topupd/billing"

// plans are 1 (root's, USD 5 a month, with three minute plans), 2 (of customer 10) and account 102, which has
// the first and used some of its minutes.
func plans(im *billing.Importer) error {
	hour := int64(3600)
	minutes := []billing.MinutePlan{
		{ID: 5, Description: "EU & UK", Price: 2 * billing.Micro, Seconds: &hour}, {ID: 6, Description: "On-net"}, {ID: 8, Description: "Far", Seconds: &hour},
	}
	for _, p := range []billing.PlanLine{
		{ID: 1, Name: billing.To("Basic"), Price: billing.To(int64(5 * billing.Micro)), Minutes: billing.To(minutes)},
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
	line.MinutesUsed = []billing.SecondsUsed{{Minutes: 5, Seconds: 60}, {Minutes: 6, Seconds: 60}, {Minutes: 8, Seconds: 3661}}
	return im.Owner(line)
}
