package stripe_test

import (
	"testing"
	"time"

	"topupd/billing"
	"topupd/billing/gateway/gwtest"
	"topupd/billing/gateway/stripe/stripefake"
)

func TestConformance(t *testing.T) {
	for name, customer := range map[string]string{"with_a_customer": "cus_1", "without_one": ""} {
		t.Run(name, func(t *testing.T) {
			gwtest.Run(t, func(t *testing.T) gwtest.Harness {
				f := newFake(t, stripefake.Options{Slow: 2 * time.Second})
				return gwtest.Harness{
					Gateway: newGateway(t, f.URL),
					Tokens: gwtest.Tokens{
						OK: "pm_card_visa", Soft: "pm_card_visa_chargeDeclinedInsufficientFunds",
						Hard: "pm_card_visa_chargeDeclinedLostCard", Authentication: "pm_card_authenticationRequired",
						Invalid: "pm_nobody", Timeout: "pm_fake_hang", TimeoutLost: "pm_fake_hangLost",
						Error: "pm_fake_unavailable", Slow: "pm_fake_slow",
					},
					Captures: f.Captured,
					Refunded: func(key string) billing.Amount {
						for _, c := range f.Captures() {
							if c.Key == key {
								return usd(c.Refunded)
							}
						}
						return billing.Amount{}
					},
					Number:      billing.CardNumber{Number: "4242424242424242", CVV: "123", ExpMonth: 12, ExpYear: 2034, Holder: "A Rose"},
					Prepare:     func(c *billing.GatewayCharge) { c.GatewayCustomer = customer },
					Timeout:     time.Second,
					KnowsUnsent: true,
					Secrets:     []string{secretKey},
				}
			})
		})
	}
}
