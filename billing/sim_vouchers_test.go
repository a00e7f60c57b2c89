package billing_test

import (
	"fmt"
	"time"

	"topupd/billing"
)

// simVoucher is a voucher and who was told to have its money.
type simVoucher struct {
	id      billing.VoucherID
	code    billing.Secret
	pin     billing.Secret
	micros  int64
	unit    billing.Unit
	expires time.Time
	// tried: somebody asked for it who had all that it takes.
	tried bool
	// refused: who had all that it takes was told that it does not work.
	refused bool
	acked   []billing.OwnerID
}

// vouchers are a few of each sort: with a PIN, with an end, in another currency.
func (s *simulation) importVouchers(im *billing.Importer, unit billing.Unit) error {
	s.vouchers = nil
	for i := range 9 {
		v := &simVoucher{id: billing.VoucherID(i + 1), code: billing.Secret(fmt.Sprintf("SIMVOUCHER%03d", i)), unit: unit}
		l := billing.VoucherLine{ID: v.id, Code: billing.To(v.code)}
		switch i % 4 {
		case 1:
			v.pin = "4711"
			l.PIN = billing.To(v.pin)
		case 2:
			v.expires = s.begun.Add(48 * time.Hour)
			l.Expires = billing.To(v.expires)
		}
		if i == 8 {
			v.unit = "KWD"
		}
		v.micros = int64(3+i) * scaleOf(v.unit)
		l.Amount, l.Currency = billing.To(v.micros), billing.To(string(v.unit))
		if err := im.Voucher(l); err != nil {
			return err
		}
		s.vouchers = append(s.vouchers, v)
	}
	return nil
}

// drawRecharge redeems a voucher, also one that was redeemed before, is over, or
// with a PIN that is not its own.
func (s *simulation) drawRecharge() simOp {
	return s.recharge(s.anAccount(), s.vouchers[s.rng.IntN(len(s.vouchers))])
}

func (s *simulation) recharge(o *simOwner, v *simVoucher) simOp {
	pin := v.pin
	if s.oneIn(8) {
		pin += "1"
	}
	op := simOp{
		name: fmt.Sprintf("voucher %d to %s, its own PIN %t", v.id, o.id, pin == v.pin), owner: o, again: true,
		run: func(p *process) error {
			over := !v.expires.IsZero() && !time.Now().Before(v.expires)
			may := pin == v.pin && !over && v.unit == o.unit
			s.mu.Lock()
			v.tried = v.tried || may
			s.mu.Unlock()
			_, err := p.engine.Recharge(p.ctx, billing.RechargeParams{Account: o.id, Code: v.code, PIN: pin})
			if err == nil && !may {
				s.find("voucher %d was taken: its own PIN %t, over %t, in %s", v.id, pin == v.pin, over, v.unit)
			}
			if may && billing.ErrorCode(err) == billing.NotFound && billing.ErrorField(err) == "voucher_id" {
				s.mu.Lock()
				v.refused = true
				s.mu.Unlock()
			}
			if err != nil && !injected(err) {
				s.count("voucher refused")
			}
			return err
		},
		acked: func() {
			s.counts["voucher redeemed"]++
			v.acked = append(v.acked, o.id)
		},
	}
	op.refused = []billing.Code{billing.NotFound}
	if v.unit != o.unit {
		op.refused = append(op.refused, billing.WrongCurrency)
	}
	return op
}

// judgeVouchers: a voucher is credited at most once, to who was told so.
func (s *simulation) judgeVouchers(b *books) {
	given := map[string]billing.Posting{}
	for _, p := range b.postings {
		if p.Kind != billing.PostVoucher {
			continue
		}
		for _, v := range s.vouchers {
			if p.Entries[0].Micros != v.micros { // each has an amount of its own
				continue
			}
			if other, twice := given[fmt.Sprint(v.id)]; twice {
				s.find("voucher %d was credited twice, by the postings %d and %d", v.id, other.ID, p.ID)
			}
			given[fmt.Sprint(v.id)] = p
		}
	}
	for _, v := range s.vouchers {
		p, used := given[fmt.Sprint(v.id)]
		row := b.vouchers[v.id]
		switch {
		case used != (row.UsedBy != 0) || used && (row.UsedBy != p.Entries[0].Owner || row.UsedAt.IsZero()):
			s.find("voucher %d is used by %s, credited %t", v.id, row.UsedBy, used)
		case v.refused && !used:
			s.find("voucher %d was refused, and nobody has it", v.id)
		case used && !v.tried:
			s.find("voucher %d was credited, and nobody asked for it", v.id)
		case len(v.acked) > 1, len(v.acked) == 1 && (!used || p.Entries[0].Owner != v.acked[0]):
			s.find("voucher %d was acknowledged to %v, used by %s", v.id, v.acked, row.UsedBy)
		}
	}
}
