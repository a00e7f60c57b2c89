package tmf654

import (
	"context"
	"encoding/json"
	"iter"
	"net/http"
	"slices"
	"strings"

	"topupd/billing"
	"topupd/methods"
)

// allowanceResources are the resources of a balance group beside money, as bucket ids name
// them. The numbers are ours: those of currencies end below a thousand (T-103).
var allowanceResources = map[billing.Unit]int64{billing.UnitSMS: 1000001, billing.UnitKB: 1000002}

// usageTypes are what the standard calls the units.
var usageTypes = map[billing.Unit]string{billing.UnitSMS: "sms", billing.UnitKB: "data"}

func usageType(unit billing.Unit) string {
	if word, is := usageTypes[unit]; is {
		return word
	}
	return "monetary"
}

// bucketOf is the name of an account's bucket of a unit.
func bucketOf(o *billing.Owner, unit billing.Unit) bucketID {
	if n, is := allowanceResources[unit]; is {
		return bucketID{o.BalanceGroup, n}
	}
	return moneyBucket(o)
}

// unitOf is the unit that a bucket's name says; empty for the whole group.
func unitOf(b bucketID) (unit billing.Unit, known bool) {
	if b.resource == 0 {
		return "", true
	}
	for unit, n := range allowanceResources {
		if n == b.resource {
			return unit, true
		}
	}
	c, known := billing.CurrencyByNumber(int(b.resource))
	return c.Code, known
}

// kept is the amount in the unit that it is kept in: data is told in KB, MB or GB. field is
// the member's name.
func (q *quantityIn) kept(field string) (billing.Amount, error) {
	micros, units, err := q.read(field)
	if err != nil {
		return billing.Amount{}, err
	}
	if _, money := billing.LookupCurrency(string(units)); money {
		return billing.Money(micros, units), nil
	}
	kept, err := billing.Allowance{Word: string(units), Micros: micros}.Kept()
	if err == nil {
		return kept, nil
	}
	switch billing.ErrorCode(err) {
	case billing.NotFound:
		return kept, wrongMember(field+".units", "%s.units is a currency's code, SMS, KB, MB or GB", field)
	case billing.Overflow:
		return kept, billing.Errorf(billing.Overflow, field+".amount", "%s.amount is beyond what can be kept", field)
	}
	return kept, wrongMember(field+".amount", "%s.amount: messages are counted in whole numbers", field)
}

// side is how a request names whose bucket it is about: by the bucket, the account, or the
// name that the switch knows the account by.
type side struct {
	prefix          string // of the members' names
	bucket, account *ref
	logical         json.RawMessage
}

func (s *side) member(name string) string {
	if s.prefix == "" {
		return name
	}
	return s.prefix + strings.ToUpper(name[:1]) + name[1:]
}

// holder finds who it is. What is named twice has to be the same; what is named by its
// bucket has to be of the unit, unless that is empty.
func (a *api) holder(ctx context.Context, s side, unit billing.Unit) (o billing.Owner, err error) {
	first := "" // the member that named it
	is := func(other billing.Owner, member string) error {
		if first != "" && o.ID != other.ID {
			return wrongMember(member, "%s and %s belong to different accounts", first, member)
		}
		if first == "" {
			o, first = other, member
		}
		return nil
	}
	if s.bucket != nil {
		b, ok := parseBucketID(s.bucket.ID)
		if !ok {
			return o, wrongMember(s.member("bucket")+".id", "%s.id is no bucket's id", s.member("bucket"))
		}
		other, err := a.e.AccountByGroup(ctx, b.group)
		if err != nil {
			return o, renamed(err, s.member("bucket"))
		}
		named, known := unitOf(b)
		switch {
		case !known:
			return o, billing.Errorf(billing.NotFound, s.member("bucket"), "there is no such bucket")
		case unit != "" && named != "" && named != unit:
			return o, wrongMember("amount.units", "%s is kept in another unit", s.member("bucket"))
		}
		if err := is(other, s.member("bucket")); err != nil {
			return o, err
		}
	}
	if s.account != nil {
		member := s.member("partyAccount")
		id, ok := parseAccountID(s.account.ID)
		if !ok {
			return o, wrongMember(member+".id", "%s.id is no account's id", member)
		}
		all, err := a.e.Holders(ctx, id)
		if err != nil {
			return o, renamed(err, member)
		}
		if err := is(all[id], member); err != nil {
			return o, err
		}
	}
	var named struct {
		Value string `json:"value"`
	}
	if raw := firstOf(s.logical); raw != nil {
		_ = methods.DecodeExact(raw, &named) // its form was checked
	}
	switch {
	case named.Value == "" && first == "":
		return o, billing.Errorf(billing.Missing, s.member("bucket"), "%s or %s is needed", s.member("bucket"), s.member("partyAccount"))
	case named.Value == "":
		return o, nil
	}
	member := s.member("logicalResource")
	other, err := a.e.AccountByLogin(ctx, named.Value)
	switch {
	case err == nil:
		return o, is(other, member)
	case first != "" && billing.ErrorCode(err) == billing.NotFound:
		return o, nil // a name of nobody here, a device's perhaps, is kept beside the account's
	}
	return o, renamed(err, member)
}

// renamed puts the member that a request names into an error about what is not there.
func renamed(err error, member string) error {
	if err != nil && billing.ErrorCode(err) == billing.NotFound {
		return billing.Errorf(billing.NotFound, member, "what %s names is not there", member)
	}
	return err
}

// fitsUsage refuses a usageType that is not the unit's.
func fitsUsage(member string, given *string, unit billing.Unit) error {
	if given == nil || strings.EqualFold(*given, usageType(unit)) || strings.EqualFold(*given, "other") {
		return nil
	}
	return wrongMember(member, "%s is monetary for money, sms for messages, data for data, or other", member)
}

// actionEchoes are the members of every action that are kept and given back as they came.
var actionEchoes = []string{"channel", "description", "logicalResource", "product", "reason", "relatedParty", "requestor"}

// first is a member that may be a list, as one object; null for none.
func (e extra) first(name string) any {
	if raw := firstOf(e[name]); raw != nil {
		return raw
	}
	return nil
}

// word is a text member that is kept, for what the engine takes of it.
func (e extra) word(name string) string {
	var s string
	_ = json.Unmarshal(e[name], &s)
	return s
}

// newBody is what a request brings to be kept beside an action.
func newBody(r *http.Request, names []string) (e extra, text string, err error) {
	if e, err = keep(bodyOf(r), names...); err == nil {
		text, err = e.text()
	}
	return e, text, err
}

// patchOf reads a merge patch of an action: what it makes of what is kept, and the status
// that it asks for, empty for none.
func patchOf(r *http.Request, names []string) (change billing.Merge, status string, err error) {
	var given map[string]json.RawMessage
	if err := read(r, &given); err != nil {
		return nil, "", err
	}
	if err := onlyMembers(given, append([]string{"status"}, names...)); err != nil {
		return nil, "", err
	}
	if raw, there := given["status"]; there {
		if err := json.Unmarshal(raw, &status); err != nil || status == "" {
			return nil, "", wrongMember("status", "status is a text")
		}
	}
	return func(stored string) (string, error) {
		after, err := parseExtra(stored).patched(bodyOf(r), names...)
		if err != nil {
			return "", err
		}
		return after.text()
	}, status, nil
}

// cancelling reports whether a status asks to cancel what has another one now.
func cancelling(status, now string) (bool, error) {
	if status == "" || statusOf(status) == statusOf(now) {
		return false, nil
	}
	raw, err := json.Marshal(status)
	if err != nil {
		return false, err
	}
	return cancels(raw, now)
}

// ofBucket are the filters that name an account or a bucket, taken out of a query. known is
// false when they name none, or two.
func (a *api) ofBucket(ctx context.Context, q *query) (o billing.OwnerID, unit billing.Unit, known bool, err error) {
	if text, there := q.take("partyAccount.id"); there {
		id, ok := parseAccountID(text)
		if !ok {
			return 0, "", false, nil
		}
		o = id
	}
	for text, there := q.take("bucket.id"); there; text, there = q.take("bucket.id") {
		b, ok := parseBucketID(text)
		if !ok {
			return 0, "", false, nil
		}
		owner, err := a.e.AccountByGroup(ctx, b.group)
		switch {
		case err != nil && billing.ErrorCode(err) == billing.NotFound:
			return 0, "", false, nil
		case err != nil:
			return 0, "", false, err
		}
		named, ok := unitOf(b)
		if !ok || o != 0 && o != owner.ID || unit != "" && named != "" && named != unit {
			return 0, "", false, nil
		}
		if o = owner.ID; named != "" {
			unit = named
		}
	}
	if o == 0 {
		return 0, "", true, nil
	}
	_, err = a.e.Holders(ctx, o)
	if err != nil && billing.ErrorCode(err) == billing.NotFound {
		return 0, "", false, nil
	}
	return o, unit, err == nil, err
}

// historyTypes are the kinds by what @type calls them.
var historyTypes = map[billing.ActionKind]string{
	billing.ActionTopup: "TopupBalance", billing.ActionAdjustment: "AdjustBalance", billing.ActionTransfer: "TransferBalance",
	billing.ActionReservation: "ReserveBalance",
}

// historyMembers are those of all kinds: a filter for one that some have is for these.
var historyMembers = membersOf(topupOut{}, adjustOut{}, transferOut{}, reservationOut{})

// The history has a name in the final standard and another in its draft.
func (a *api) actionRoutes() (all []route) {
	for _, name := range []string{"balanceAction", "balanceActionHistory"} {
		all = append(all,
			route{method: "GET", path: "/" + name, handle: func(r *http.Request) (answer, error) { return a.listActions(r, name) }},
			route{method: "GET", path: "/" + name + "/{id}", handle: func(r *http.Request) (answer, error) { return a.getAction(r, name) }})
	}
	return all
}

func (a *api) getAction(r *http.Request, name string) (answer, error) {
	q, err := readQuery(r)
	if err != nil {
		return answer{}, err
	}
	for kind := range historyTypes {
		id, ok := parseActionID(r.PathValue("id"), kind)
		if !ok {
			continue
		}
		rec, err := a.e.ActionRecord(r.Context(), id)
		if err != nil {
			return answer{}, err
		}
		if rec.Kind != kind {
			break
		}
		list, err := a.showActions(r.Context(), linksOf(r), name, []billing.ActionRecord{rec})
		if err != nil {
			return answer{}, err
		}
		return q.one(list[0])
	}
	return answer{}, noSuch("balance action")
}

func (a *api) listActions(r *http.Request, name string) (answer, error) {
	q, err := readQuery(r)
	if err != nil {
		return answer{}, err
	}
	q.members = historyMembers
	o, unit, known, err := a.ofBucket(r.Context(), q)
	if err != nil {
		return answer{}, err
	}
	f := billing.BalanceActionFilter{ActionFilter: billing.ActionFilter{Owner: o, Limit: scanPage}}
	if word, there := q.take("@type"); there {
		for kind, t := range historyTypes {
			if t == word {
				f.Kind = kind
			}
		}
		known = known && f.Kind != ""
	}
	if !known {
		return listed(nil, 0), nil
	}
	if values, there := q.ids(); there {
		return q.page(a.namedActions(r, name, values, f, unit))
	}
	return q.page(func(yield func(any, error) bool) {
		for at := 0; ; {
			page, last, err := a.e.ActionHistory(r.Context(), f, func(i int) bool { return unit != "" || q.needs(at+i) })
			if unit != "" {
				page = slices.DeleteFunc(page, func(rec billing.ActionRecord) bool { return !ofUnit(&rec, unit) })
			}
			var shown []any
			if err == nil {
				shown, err = a.showActions(r.Context(), linksOf(r), name, slices.DeleteFunc(slices.Clone(page), bare))
			}
			if err != nil {
				yield(nil, err)
				return
			}
			for i := range page {
				var one any
				if !bare(page[i]) {
					one, shown = shown[0], shown[1:]
				}
				if !yield(one, nil) {
					return
				}
			}
			at += len(page)
			if f.After = last; last == 0 {
				return
			}
		}
	})
}

// bare reports whether an action came without its record.
func bare(rec billing.ActionRecord) bool {
	return rec.Topup == nil && rec.Adjustment == nil && rec.Transfer == nil && rec.Reservation == nil
}

// namedActions are those of some ids that a filter and a unit let through, by id.
func (a *api) namedActions(r *http.Request, name string, texts []string, f billing.BalanceActionFilter, unit billing.Unit) iter.Seq2[any, error] {
	return func(yield func(any, error) bool) {
		var ids []billing.ActionID
		for kind := range historyTypes {
			ids = append(ids, actionIDs(texts, kind)...)
		}
		slices.Sort(ids)
		for _, id := range slices.Compact(ids) {
			rec, err := a.e.ActionRecord(r.Context(), id)
			if err != nil && billing.ErrorCode(err) == billing.NotFound {
				continue
			}
			var shown []any
			if err == nil {
				if f.Owner != 0 && rec.Owner != f.Owner || f.Kind != "" && rec.Kind != f.Kind || unit != "" && !ofUnit(&rec, unit) {
					continue
				}
				shown, err = a.showActions(r.Context(), linksOf(r), name, []billing.ActionRecord{rec})
			}
			if err != nil {
				yield(nil, err)
				return
			}
			if !yield(shown[0], nil) {
				return
			}
		}
	}
}

// ofUnit reports whether an action is about a unit; a top-up is about money.
func ofUnit(rec *billing.ActionRecord, unit billing.Unit) bool {
	switch {
	case rec.Adjustment != nil:
		return rec.Adjustment.Unit == unit
	case rec.Transfer != nil:
		return rec.Transfer.Unit == unit
	case rec.Reservation != nil:
		return rec.Reservation.Unit == unit
	}
	return allowanceResources[unit] == 0
}

// showActions are actions as their own resources, under the name of the history.
func (a *api) showActions(ctx context.Context, l links, name string, list []billing.ActionRecord) (all []any, err error) {
	var ids []billing.OwnerID
	for i := range list {
		ids = append(ids, list[i].Owner)
		if t := list[i].Transfer; t != nil {
			ids = append(ids, t.To)
		}
	}
	owners, err := a.e.Holders(ctx, ids...)
	if err != nil {
		return nil, err
	}
	const base = "BalanceAction"
	for i := range list {
		rec := &list[i]
		href := l.to(name, actionID(rec.Kind, rec.ID))
		switch {
		case rec.Adjustment != nil:
			out := a.adjust(l, rec.Adjustment, owners)
			out.BaseType, out.Href = base, href
			all = append(all, out)
		case rec.Transfer != nil:
			out := a.transfer(l, rec.Transfer, owners)
			out.BaseType, out.Href = base, href
			all = append(all, out)
		case rec.Reservation != nil:
			out := a.reservation(l, rec.Reservation, owners)
			out.BaseType, out.Href = base, href
			all = append(all, out)
		default:
			out := a.topup(l, rec.Topup)
			out.BaseType, out.Href = base, href
			all = append(all, out)
		}
	}
	return all, nil
}
