package jsonl

import (
	"bufio"
	"strconv"
	"time"

	"topupd/billing"
)

// lineWriter writes lines member by member.
type lineWriter struct {
	w   *bufio.Writer
	buf []byte
}

func (w *lineWriter) begin(kind string) *lineWriter {
	w.buf = appendString(append(w.buf[:0], `{"type":`...), kind)
	return w
}

func (w *lineWriter) end() error {
	w.buf = append(w.buf, '}', '\n')
	_, err := w.w.Write(w.buf)
	return err
}

func (w *lineWriter) name(name string) {
	w.buf = append(w.buf, ',', '"')
	w.buf = append(w.buf, name...)
	w.buf = append(w.buf, '"', ':')
}

func (w *lineWriter) null(name string) *lineWriter {
	w.name(name)
	w.buf = append(w.buf, "null"...)
	return w
}

func (w *lineWriter) int(name string, v int64) *lineWriter {
	w.name(name)
	w.buf = strconv.AppendInt(w.buf, v, 10)
	return w
}

// id writes a number of which 0 is none.
func (w *lineWriter) id(name string, v int64) *lineWriter {
	if v == 0 {
		return w.null(name)
	}
	return w.int(name, v)
}

func (w *lineWriter) text(name, v string) *lineWriter {
	w.name(name)
	w.buf = appendString(w.buf, v)
	return w
}

// raw writes a JSON value as it is.
func (w *lineWriter) raw(name, v string) *lineWriter {
	w.name(name)
	w.buf = append(w.buf, v...)
	return w
}

func (w *lineWriter) flag(name string, v bool) *lineWriter {
	w.name(name)
	w.buf = strconv.AppendBool(w.buf, v)
	return w
}

// money writes millionths with the currency's usual decimals.
func (w *lineWriter) money(name string, micros int64, unit billing.Unit) *lineWriter {
	return w.text(name, moneyText(micros, unit))
}

func moneyText(micros int64, unit billing.Unit) string {
	digits := 2
	if c, ok := billing.LookupCurrency(string(unit)); ok {
		digits = c.Digits
	}
	return billing.FixedMicros(micros, digits)
}

func (w *lineWriter) moneyOrNull(name string, micros *int64, unit billing.Unit) *lineWriter {
	if micros == nil {
		return w.null(name)
	}
	return w.money(name, *micros, unit)
}

func (w *lineWriter) cardOrNull(name string, c *billing.CardID) *lineWriter {
	if c == nil {
		return w.null(name)
	}
	return w.int(name, int64(*c))
}

func (w *lineWriter) time(name string, t time.Time) *lineWriter {
	if t.IsZero() {
		return w.null(name)
	}
	return w.text(name, t.UTC().Format(time.RFC3339Nano))
}

// owner writes i_account or i_customer.
func (w *lineWriter) owner(o billing.OwnerID) *lineWriter { return w.int(o.Field(), o.Number()) }

// extra writes the members of a canonical JSON object that was kept.
func (w *lineWriter) extra(object string) *lineWriter {
	if len(object) > len("{}") {
		w.buf = append(w.buf, ',')
		w.buf = append(w.buf, object[1:len(object)-1]...)
	}
	return w
}
