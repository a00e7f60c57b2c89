package cli

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"topupd/billing"
)

// format is --format of the commands that print rows.
type format struct {
	Format string `name:"format" enum:"table,csv,json" default:"table" help:"table, csv or json."`
}

// cell is one value of a row: as people read it, and as programs do.
type cell struct {
	column string
	text   string // for people
	plain  string // for CSV
	value  any    // for JSON
	// absent leaves the member out of JSON: the other kind of owner's id.
	absent bool
}

type row []cell

func textCell(column, v string) cell {
	if v == "" {
		return cell{column: column, text: "-", value: nil}
	}
	return cell{column: column, text: printable(v), plain: v, value: v}
}

func intCell(column string, v int64) cell {
	s := strconv.FormatInt(v, 10)
	return cell{column: column, text: s, plain: s, value: v}
}

// idCell is a number of which 0 is none.
func idCell(column string, v int64) cell {
	if v == 0 {
		return cell{column: column, text: "-"}
	}
	return intCell(column, v)
}

// moneyCell is an exact decimal: with its unit for people; programs find the
// unit in a column of its own. nil is absent.
func moneyCell(column string, micros *int64, unit billing.Unit, absent string) cell {
	if micros == nil {
		return cell{column: column, text: absent}
	}
	v := decimalText(*micros, unit)
	return cell{column: column, text: v + " " + string(unit), plain: v, value: v}
}

// decimalText is an amount with its currency's usual decimals, never rounded.
func decimalText(micros int64, unit billing.Unit) string {
	digits := 2
	if c, ok := billing.LookupCurrency(string(unit)); ok {
		digits = c.Digits
	}
	return billing.FixedMicros(micros, digits)
}

func timeCell(column string, t time.Time) cell {
	if t.IsZero() {
		return cell{column: column, text: "-"}
	}
	s := t.UTC().Format(time.RFC3339)
	return cell{column: column, text: s, plain: s, value: s}
}

// ownerCells are i_account and i_customer, of which one is set.
func ownerCells(o billing.OwnerID) []cell {
	account, customer := cell{column: "i_account", text: "-", absent: true}, cell{column: "i_customer", text: "-", absent: true}
	if o.IsAccount() {
		account = intCell("i_account", o.Number())
	} else {
		customer = intCell("i_customer", o.Number())
	}
	return []cell{account, customer}
}

// printable keeps what was stored from steering the terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			return '?'
		}
		return r
	}, s)
}

// rowWriter prints rows as they come.
type rowWriter interface {
	row(row) error
	end() error
}

// rows makes a writer; columns are its heading, also when no row comes. The
// wide ones are for programs: a table for people leaves them out.
func (f format) rows(w io.Writer, columns []string, wide ...string) rowWriter {
	switch f.Format {
	case "csv":
		c := csv.NewWriter(w)
		_ = c.Write(columns) // told by Flush
		return &csvRows{c}
	case "json":
		return &jsonRows{w: w}
	default:
		t := &tableRows{w: tabwriter.NewWriter(w, 0, 0, 2, ' ', 0), wide: wide}
		t.heading(columns)
		return t
	}
}

type csvRows struct{ w *csv.Writer }

func (c *csvRows) row(r row) error {
	fields := make([]string, len(r))
	for i := range r {
		fields[i] = r[i].plain
	}
	return c.w.Write(fields)
}

func (c *csvRows) end() error {
	c.w.Flush()
	return c.w.Error()
}

type jsonRows struct {
	w io.Writer
	n int
}

func (j *jsonRows) row(r row) error {
	between := ",\n"
	if j.n == 0 {
		between = "[\n"
	}
	j.n++
	object, err := jsonObject(r)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(j.w, "%s  %s", between, object)
	return err
}

// jsonObject keeps the columns' order.
func jsonObject(r row) ([]byte, error) {
	b := []byte{'{'}
	for _, c := range r {
		if c.absent {
			continue
		}
		if len(b) > 1 {
			b = append(b, ',')
		}
		b = append(strconv.AppendQuote(b, c.column), ':')
		v, err := json.Marshal(c.value)
		if err != nil {
			return nil, err
		}
		b = append(b, v...)
	}
	return append(b, '}'), nil
}

func (j *jsonRows) end() error {
	text := "\n]\n"
	if j.n == 0 {
		text = "[]\n"
	}
	_, err := io.WriteString(j.w, text)
	return err
}

// tableRows aligns columns over this many rows, so that a long list starts to
// print before it is complete.
const alignedRows = 1000

type tableRows struct {
	w    *tabwriter.Writer
	wide []string
	n    int
}

func (t *tableRows) heading(columns []string) {
	shown := slices.DeleteFunc(slices.Clone(columns), func(c string) bool { return slices.Contains(t.wide, c) })
	fmt.Fprintln(t.w, strings.ToUpper(strings.Join(shown, "\t"))) // told by Flush
}

func (t *tableRows) row(r row) error {
	fields := make([]string, 0, len(r))
	for i := range r {
		if !slices.Contains(t.wide, r[i].column) {
			fields = append(fields, r[i].text)
		}
	}
	if _, err := fmt.Fprintln(t.w, strings.Join(fields, "\t")); err != nil {
		return err
	}
	if t.n++; t.n%alignedRows == 0 {
		return t.w.Flush()
	}
	return nil
}

func (t *tableRows) end() error { return t.w.Flush() }
