package db

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5/pgtype"
)

// encode writes the arguments as the statement wants them: numbers, times and flags as
// text, which PostgreSQL reads as whatever the parameter is.
// values point into text; the three are what was given, longer.
func encode(values [][]byte, formats []int16, text []byte, st *pgStmt, args []any) ([][]byte, []int16, []byte, error) {
	oids := st.sd.ParamOIDs
	if len(args) < len(oids) {
		return nil, nil, nil, fmt.Errorf("there is no argument $%d", len(args)+1)
	}
	// The texts move while the buffer grows: remember where they are first.
	type place struct{ from, to int }
	var places [32]place
	at := places[:0]
	for i, oid := range oids {
		from := len(text)
		format := int16(pgtype.TextFormatCode)
		null := false
		switch v := args[i].(type) {
		case nil:
			null = true
		case int64:
			text = number(text, v, oid)
		case int:
			text = number(text, int64(v), oid)
		case *int64:
			if null = v == nil; !null {
				text = number(text, *v, oid)
			}
		case bool:
			n := int64(0)
			if v {
				n = 1
			}
			text = number(text, n, oid)
		case time.Time:
			if null = v.IsZero(); !null {
				text = number(text, v.UnixMicro(), oid)
			}
		case string:
			// Told here, it costs the transaction nothing.
			if strings.IndexByte(v, 0) >= 0 || !utf8.ValidString(v) {
				return nil, nil, nil, badText(nil)
			}
			text = append(text, v...)
		case []byte:
			format = pgtype.BinaryFormatCode
			if null = v == nil; !null {
				text = append(text, v...)
			}
		default:
			return nil, nil, nil, fmt.Errorf("an argument of type %T cannot be stored", v)
		}
		if null {
			from = -1
		}
		at = append(at, place{from, len(text)})
		formats = append(formats, format)
	}
	for _, p := range at {
		if p.from < 0 {
			values = append(values, nil)
			continue
		}
		values = append(values, text[p.from:p.to:p.to])
	}
	return values, formats, text, nil
}

// number writes an integer for a parameter, which may be a flag.
func number(b []byte, n int64, oid uint32) []byte {
	if oid == pgtype.BoolOID {
		return strconv.AppendBool(b, n != 0)
	}
	return strconv.AppendInt(b, n, 10)
}

// decode reads one column.
func decode(c *cell, b []byte, oid uint32) error {
	if b == nil {
		*c = cell{}
		return nil
	}
	switch oid {
	case pgtype.Int8OID:
		*c = cell{kind: cellInt, n: int64(binary.BigEndian.Uint64(b))}
	case pgtype.Int4OID:
		*c = cell{kind: cellInt, n: int64(int32(binary.BigEndian.Uint32(b)))}
	case pgtype.BoolOID:
		*c = cell{kind: cellInt, n: int64(b[0])}
	case pgtype.NumericOID: // a sum
		n, err := strconv.ParseInt(string(b), 10, 64)
		if err != nil {
			return err
		}
		*c = cell{kind: cellInt, n: n}
	case pgtype.ByteaOID:
		*c = cell{kind: cellBlob, s: string(b)}
	case pgtype.TextOID, pgtype.VarcharOID, pgtype.NameOID, pgtype.UnknownOID:
		*c = cell{kind: cellText, s: string(b)}
	default:
		return fmt.Errorf("a column of PostgreSQL's type %d is not known here", oid)
	}
	return nil
}
