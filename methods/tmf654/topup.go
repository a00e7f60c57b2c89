package tmf654

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"iter"
	"net/http"
	"strings"

	"topupd/billing"
	"topupd/methods"
)

func (a *api) topupRoutes() []route {
	return []route{
		{method: "POST", path: "/topupBalance", handle: a.createTopup, body: "TopupBalanceCreate", use: billing.UsePays, keys: true},
		{method: "GET", path: "/topupBalance", handle: a.listTopups},
		{method: "GET", path: "/topupBalance/{id}", handle: a.getTopup},
		{method: "PATCH", path: "/topupBalance/{id}", handle: a.updateTopup, body: "TopupBalanceUpdate"},
		{method: "DELETE", path: "/topupBalance/{id}", handle: a.deleteTopup},
	}
}

// topupEchoes are the members that are kept and given back as they came.
var topupEchoes = []string{"channel", "description", "logicalResource", "product", "reason", "relatedParty", "relatedTopupBalance", "requestor"}

// topupIn is what a request says of a top-up.
type topupIn struct {
	Amount          *quantityIn `json:"amount"`
	Bucket          *ref        `json:"bucket"`
	PartyAccount    *ref        `json:"partyAccount"`
	PaymentMethod   *ref        `json:"paymentMethod"`
	IsAutoTopup     *text       `json:"isAutoTopup"`
	NumberOfPeriods *text       `json:"numberOfPeriods"`
	RecurringPeriod *string     `json:"recurringPeriod"`
	UsageType       *string     `json:"usageType"`
	Voucher         *string     `json:"voucher"`
}

func (a *api) createTopup(r *http.Request) (answer, error) {
	p, err := readTopup(r)
	if err != nil {
		return answer{}, err
	}
	if p.Key = r.Header.Get("Idempotency-Key"); p.Key != "" {
		p.Input = inputOf(r)
	}
	made, err := a.e.CreateBalanceTopup(r.Context(), p)
	if err != nil {
		return answer{}, err
	}
	l := linksOf(r)
	body := a.topup(l, &made.BalanceTopupView)
	if made.State == billing.TopupFailed && !a.o.DeclinedCreated {
		return answer{}, declined(&made.BalanceTopupView)
	}
	said := created(body.Href, body)
	if made.Repeated {
		said.header.Set("Idempotency-Replayed", "true")
	}
	return said, nil
}

// declined is the answer to a top-up that was not paid. It is kept and can be read.
func declined(v *billing.BalanceTopupView) error {
	e := &refusal{
		status: http.StatusBadRequest, code: "declined", reason: "the card was declined: " + v.Reason,
		detail: "the failed top-up is " + topupID(v.ID),
	}
	if v.Code == "" {
		e.code, e.reason = "not_paid", "the card was not charged: "+v.Reason
	} else if v.Message != "" {
		e.reason += ", " + v.Message
	}
	return e
}

// inputOf is a hash of a request, by which a key is held to it.
func inputOf(r *http.Request) (sum [sha256.Size]byte) {
	h := sha256.New()
	for _, part := range [][]byte{[]byte(Name), []byte(r.Method), []byte(r.URL.EscapedPath()), bodyOf(r)} {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(part))))
		h.Write(part)
	}
	return [sha256.Size]byte(h.Sum(nil))
}

func readTopup(r *http.Request) (p billing.CreateBalanceTopupParams, err error) {
	var in topupIn
	if err := read(r, &in); err != nil {
		return p, err
	}
	if p.Amount, p.Currency, err = in.Amount.read("amount"); err != nil {
		return p, err
	}
	if in.Bucket == nil && in.PartyAccount == nil {
		return p, billing.Errorf(billing.Missing, "bucket", "bucket or partyAccount is needed")
	}
	if in.Bucket != nil {
		if p.Group, p.Bucket, err = readMoneyBucket(in.Bucket.ID); err != nil {
			return p, err
		}
	}
	if in.PartyAccount != nil {
		var ok bool
		if p.Owner, ok = parseAccountID(in.PartyAccount.ID); !ok {
			return p, wrongMember("partyAccount.id", "partyAccount.id is no account's id")
		}
	}
	if in.PaymentMethod != nil {
		id, ok := parseCardID(in.PaymentMethod.ID)
		if !ok {
			return p, wrongMember("paymentMethod.id", "paymentMethod.id is no card's id")
		}
		p.Card = &id
	}
	if u := in.UsageType; u != nil && !strings.EqualFold(*u, "monetary") && !strings.EqualFold(*u, "other") {
		return p, wrongMember("usageType", "usageType is monetary or other")
	}
	if in.Voucher != nil {
		p.Voucher = billing.Secret(strings.TrimSpace(*in.Voucher))
		if *in.Voucher != "" && p.Voucher == "" { // empty is none, as in the examples
			return p, wrongMember("voucher", "voucher is blank")
		}
	}
	if p.Rule, err = in.rule(); err != nil {
		return p, err
	}
	kept, err := keep(bodyOf(r), append([]string{"balanceTopup"}, topupEchoes...)...)
	if err != nil {
		return p, err
	}
	if older, there := kept["balanceTopup"]; there { // the draft's name
		if kept["relatedTopupBalance"] == nil {
			kept["relatedTopupBalance"] = older
		}
		delete(kept, "balanceTopup")
	}
	if p.Service, err = kept.product(); err != nil {
		return p, err
	}
	p.Extra, err = kept.text()
	return p, err
}

// readMoneyBucket reads the id of a bucket of money: its balance group, and its currency
// unless the id is that of the whole group.
func readMoneyBucket(id string) (group int64, currency billing.Unit, err error) {
	b, ok := parseBucketID(id)
	if !ok {
		return 0, "", wrongMember("bucket.id", "bucket.id is no bucket's id")
	}
	if b.resource == 0 {
		return b.group, "", nil
	}
	c, ok := billing.CurrencyByNumber(int(b.resource))
	if !ok {
		return 0, "", billing.Errorf(billing.NotFound, "bucket", "there is no such bucket")
	}
	return b.group, c.Code, nil
}

// product is the service that a request names, 0 for none.
func (e extra) product() (billing.ServiceID, error) {
	raw := firstOf(e["product"])
	if raw == nil {
		return 0, nil
	}
	var given ref
	if err := methods.DecodeExact(raw, &given); err != nil {
		return 0, wrongMember("product", "product has a wrong form")
	}
	if given.ID == "" {
		return 0, nil
	}
	class, numbers, ok := splitID(given.ID)
	if !ok || !strings.HasPrefix(class, "-service") || len(numbers) > 2 || numbers[0] == 0 {
		return 0, wrongMember("product.id", "product.id is no product's id")
	}
	return billing.ServiceID(numbers[0]), nil
}

// rule is the recurring top-up that is asked for; nil is once.
func (in *topupIn) rule() (*billing.NewTopupRule, error) {
	auto, err := in.IsAutoTopup.flag("isAutoTopup")
	if err != nil {
		return nil, err
	}
	n, err := in.NumberOfPeriods.count("numberOfPeriods")
	if err != nil {
		return nil, err
	}
	switch {
	case !auto && n != nil:
		return nil, wrongMember("numberOfPeriods", "numberOfPeriods needs isAutoTopup")
	case !auto && in.RecurringPeriod != nil:
		return nil, wrongMember("recurringPeriod", "recurringPeriod needs isAutoTopup")
	case !auto:
		return nil, nil
	case in.RecurringPeriod == nil:
		return nil, billing.Errorf(billing.Missing, "recurringPeriod", "recurringPeriod is missing")
	}
	period, ok := readPeriod(*in.RecurringPeriod)
	if !ok {
		return nil, wrongMember("recurringPeriod", "recurringPeriod is daily, weekly, fortnightly or monthly")
	}
	return &billing.NewTopupRule{Period: period, Periods: n}, nil
}

// periodTexts are how answers write the periods: the first is the source page's, the
// others follow it (T-23).
var periodTexts = map[billing.TopupPeriod]string{
	billing.TopupDaily: "1 Day", billing.TopupWeekly: "1 Week", billing.TopupFortnightly: "2 Weeks", billing.TopupMonthly: "1 Month",
}

// readPeriod reads a period in either form.
func readPeriod(text string) (billing.TopupPeriod, bool) {
	for period, written := range periodTexts {
		if strings.EqualFold(text, string(period)) || strings.EqualFold(text, written) {
			return period, true
		}
	}
	return "", false
}

func topupID(id billing.TopupID) string { return actionID(billing.ActionTopup, billing.ActionID(id)) }

// topupAt is the top-up that the address names.
func topupAt(r *http.Request) (billing.TopupID, error) {
	id, ok := parseActionID(r.PathValue("id"), billing.ActionTopup)
	if !ok {
		return 0, noSuch("top-up")
	}
	return billing.TopupID(id), nil
}

func (a *api) getTopup(r *http.Request) (answer, error) {
	q, err := readQuery(r)
	if err != nil {
		return answer{}, err
	}
	id, err := topupAt(r)
	if err != nil {
		return answer{}, err
	}
	v, err := a.e.BalanceTopup(r.Context(), id)
	if err != nil {
		return answer{}, err
	}
	return q.one(a.topup(linksOf(r), &v))
}

func (a *api) deleteTopup(r *http.Request) (answer, error) {
	id, err := topupAt(r)
	if err != nil {
		return answer{}, err
	}
	return gone, a.e.DeleteBalanceTopup(r.Context(), id)
}

// topupChanges are the members that a PATCH may bring; status is seen to by itself.
var topupChanges = []string{"channel", "description", "logicalResource", "reason", "relatedParty", "requestor"}

func (a *api) updateTopup(r *http.Request) (answer, error) {
	id, err := topupAt(r)
	if err != nil {
		return answer{}, err
	}
	var given map[string]json.RawMessage
	if err := read(r, &given); err != nil {
		return answer{}, err
	}
	if err := onlyMembers(given, append([]string{"status"}, topupChanges...)); err != nil {
		return answer{}, err
	}
	l := linksOf(r)
	p := billing.ChangeBalanceTopupParams{ID: id}
	if raw, there := given["status"]; there {
		v, err := a.e.BalanceTopup(r.Context(), id)
		if err != nil {
			return answer{}, err
		}
		if p.Cancel, err = cancels(raw, a.topup(l, &v).Status); err != nil {
			return answer{}, err
		}
	}
	p.Extra = func(stored string) (string, error) {
		after, err := parseExtra(stored).patched(bodyOf(r), topupChanges...)
		if err != nil {
			return "", err
		}
		return after.text()
	}
	v, err := a.e.ChangeBalanceTopup(r.Context(), p)
	if err != nil {
		return answer{}, err
	}
	return ok(a.topup(l, &v)), nil
}

// onlyMembers refuses a patch of what cannot be changed. Members of the schema itself are
// left out of account.
func onlyMembers(given map[string]json.RawMessage, may []string) error {
	for name := range given {
		if strings.HasPrefix(name, "@") || name == "id" || name == "href" {
			continue
		}
		known := false
		for _, m := range may {
			known = known || m == name
		}
		if !known {
			return wrongMember(name, "%s cannot be changed", name)
		}
	}
	return nil
}

// statusWords are the statuses of Oracle's flavour with those of the draft and of R17.
var statusWords = map[string]string{
	"created": statusCreated, "in progress": statusCreated, "completed": statusConfirmed, "confirmed": statusConfirmed,
	"failed": statusFailed, "cancelled": statusCancelled, "canceled": statusCancelled,
}

// statusOf is the status that a word says, in any case; a word that is none of them is
// itself.
func statusOf(word string) string {
	lower := strings.ToLower(word)
	if status, known := statusWords[lower]; known {
		return status
	}
	return lower
}

const (
	statusCreated   = "CREATED"
	statusConfirmed = "CONFIRMED"
	statusFailed    = "FAILED"
	statusCancelled = "CANCELLED"
)

// cancels reports whether a status in a patch asks to cancel; the status as it is asks for
// nothing, every other one cannot be had by asking.
func cancels(raw json.RawMessage, now string) (bool, error) {
	var word string
	if err := json.Unmarshal(raw, &word); err != nil {
		return false, wrongMember("status", "status is a text")
	}
	status, known := statusWords[strings.ToLower(word)]
	switch {
	case !known:
		return false, wrongMember("status", "status is created, completed, failed or cancelled")
	case status == statusCancelled:
		return true, nil
	case status == now:
		return false, nil
	}
	return false, billing.Errorf(billing.Conflict, "status", "a status is only ever set to cancelled")
}

// scanPage is how many top-ups are read at a time where filters have to look at each.
const scanPage = 500

func (a *api) listTopups(r *http.Request) (answer, error) {
	q, err := readQuery(r)
	if err != nil {
		return answer{}, err
	}
	eq := billing.BalanceTopupQuery{Count: true, Offset: int64(q.offset), Limit: q.limit}
	if known, err := a.ownerFilter(r, q, &eq.Owner); err != nil {
		return answer{}, err
	} else if !known {
		return listed(nil, 0), nil
	}
	l := linksOf(r)
	if values, there := q.ids(); there {
		return q.page(a.namedTopups(r, l, values, eq.Owner))
	}
	if len(q.filters) > 0 {
		return q.page(a.allTopups(r, l, eq.Owner))
	}
	views, total, err := a.e.BalanceTopups(r.Context(), eq)
	if err != nil {
		return answer{}, err
	}
	list := make([]json.RawMessage, len(views))
	for i := range views {
		raw, err := marshal(a.topup(l, &views[i]))
		if err == nil {
			list[i], err = q.project(raw)
		}
		if err != nil {
			return answer{}, err
		}
	}
	return listed(list, int(total)), nil
}

// ownerFilter takes the filters that name an account out of a query: partyAccount.id and
// bucket.id. It reports false when they name none, or two.
func (a *api) ownerFilter(r *http.Request, q *query, owner *billing.OwnerID) (known bool, err error) {
	if text, there := q.take("partyAccount.id"); there {
		id, ok := parseAccountID(text)
		if !ok {
			return false, nil
		}
		*owner = id
	}
	text, there := q.take("bucket.id")
	if !there {
		return true, nil
	}
	b, ok := parseBucketID(text)
	if !ok {
		return false, nil
	}
	o, err := a.e.AccountByGroup(r.Context(), b.group)
	switch {
	case billing.ErrorCode(err) == billing.NotFound && err != nil:
		return false, nil
	case err != nil:
		return false, err
	case *owner != 0 && *owner != o.ID || b.resource != 0 && b != moneyBucket(&o):
		return false, nil
	}
	*owner = o.ID
	return true, nil
}

// namedTopups are those of some ids, by id; of an owner unless that is 0.
func (a *api) namedTopups(r *http.Request, l links, texts []string, owner billing.OwnerID) iter.Seq2[any, error] {
	return func(yield func(any, error) bool) {
		for _, id := range actionIDs(texts, billing.ActionTopup) {
			v, err := a.e.ListedTopup(r.Context(), billing.TopupID(id))
			if err != nil && billing.ErrorCode(err) == billing.NotFound || err == nil && owner != 0 && v.Owner.ID != owner {
				continue
			}
			if err != nil {
				yield(nil, err)
				return
			}
			if !yield(a.topup(l, &v), nil) {
				return
			}
		}
	}
}

// allTopups are all of an owner, or all that the actor sees.
func (a *api) allTopups(r *http.Request, l links, owner billing.OwnerID) iter.Seq2[any, error] {
	return func(yield func(any, error) bool) {
		q := billing.BalanceTopupQuery{Owner: owner, Limit: scanPage}
		for {
			views, _, err := a.e.BalanceTopups(r.Context(), q)
			if err != nil {
				yield(nil, err)
				return
			}
			for i := range views {
				if !yield(a.topup(l, &views[i]), nil) {
					return
				}
			}
			if len(views) < scanPage {
				return
			}
			q.After = views[len(views)-1].ID
		}
	}
}
