package billing

import (
	"math/bits"
	"strconv"
)

// The units that allowances are kept in: messages are counted, data is kept in the
// smallest unit that is told.
const (
	UnitSMS Unit = "SMS"
	UnitKB  Unit = "KB"
)

// DataFactor is how many KB a MB has, and how many MB a GB.
const DataFactor = 1024

// allowanceWords are the units that callers may use: what each is kept in, and how
// many of that it is.
var allowanceWords = map[string]struct {
	unit  Unit
	times int64
}{
	"SMS": {UnitSMS, 1},
	"KB":  {UnitKB, 1},
	"MB":  {UnitKB, DataFactor},
	"GB":  {UnitKB, DataFactor * DataFactor},
}

// Allowance is an amount in a unit as it was told: SMS, KB, MB or GB.
type Allowance struct {
	Word   string
	Micros int64
}

// Kept is the amount in the unit that it is kept in. Errors: NotFound (balance) for
// another unit, Invalid for a part of a message, Overflow.
func (a Allowance) Kept() (Amount, error) {
	w, ok := allowanceWords[a.Word]
	if !ok {
		return Amount{}, Errorf(NotFound, "balance", "there is no allowance in %q", a.Word)
	}
	if w.unit == UnitSMS && a.Micros%Micro != 0 {
		return Amount{}, Errorf(Invalid, "value", "messages are counted in whole numbers")
	}
	size := uint64(max(a.Micros, -a.Micros))
	if hi, lo := bits.Mul64(size, uint64(w.times)); hi != 0 || lo > 1<<63-1 {
		return Amount{}, Errorf(Overflow, "value", "the allowance is beyond what can be kept")
	}
	return Money(a.Micros*w.times, w.unit), nil
}

// bucket is the ledger's unit of a pool's allowance: "SMS/500". A customer may have
// several pools, and what one holds cannot be spent from another, so it is never the
// same unit.
func (o OfferID) bucket(unit Unit) Unit {
	return Unit(string(unit) + "/" + strconv.FormatInt(int64(o), 10))
}

// sumAllowances adds what is told twice, by the unit that it is kept in.
func sumAllowances(list []Allowance) (map[Unit]int64, error) {
	sums := map[Unit]int64{}
	for _, a := range list {
		kept, err := a.Kept()
		if err != nil {
			return nil, err
		}
		sum, err := AddMicros(sums[kept.Unit], kept.Micros)
		if err != nil {
			return nil, Errorf(Overflow, "value", "the allowance is beyond what can be kept")
		}
		sums[kept.Unit] = sum
	}
	return sums, nil
}

// percentOf is percent (millionths of a percent, 0 to 100) of an amount that is 0 or
// more, rounded down.
func percentOf(micros, percent int64) int64 {
	hi, lo := bits.Mul64(uint64(micros), uint64(percent))
	q, _ := bits.Div64(hi, lo, 100*Micro)
	return int64(q)
}
