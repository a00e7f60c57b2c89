package tmf654

import (
	"errors"
	"net/http"

	"topupd/billing"
)

// members are the engine's fields that no request here has, by the members that bring them.
var members = map[string]string{
	"amount": "amount.amount", "units": "amount.units", "i_account": "partyAccount.id", "i_debit_credit_card": "paymentMethod.id",
	"receiver": "receiverBucket.id", "voucher_id": "voucher",
}

// asMember says an operation's error by this interface's names, and why where the engine
// has no words. What is missing was named by whoever looked for it.
func asMember(method string, err error) error {
	var known *billing.Error
	if !errors.As(err, &known) || known.Code == billing.Internal {
		return err
	}
	told := *known
	if name, is := members[told.Field]; is && method == http.MethodPost && told.Code != billing.Missing {
		told.Field = name
	}
	if told.Code == billing.Overflow && told.Message == "" {
		told.Message = "the balance would be more than can be kept"
	}
	return &told
}
