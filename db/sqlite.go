package db

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unsafe"

	"modernc.org/libc"
	"modernc.org/libc/sys/types"
	sqlite3 "modernc.org/sqlite/lib"
)

// This file speaks to SQLite through the functions of its own interface, as the
// driver for database/sql does. The driver locks the connection at each of them
// and asks for the name and type of every column of every result; measured, a
// record of forty columns took twice as long through it, and half as long again
// through database/sql. Here a connection belongs to one goroutine at a time,
// so it needs no lock, and the columns are known.

// sqliteConn is a connection. One goroutine uses it at a time.
type sqliteConn struct {
	tls *libc.TLS
	db  uintptr
}

// sqliteError is a result code of SQLite with what it says about it.
type sqliteError struct {
	code int
	text string
}

func (e *sqliteError) Error() string { return e.text }

// Code is SQLite's extended result code.
func (e *sqliteError) Code() int { return e.code }

// openSQLiteConn opens a file by its URI.
func openSQLiteConn(uri string) (*sqliteConn, error) {
	c := &sqliteConn{tls: libc.NewTLS()}
	name, err := libc.CString(uri)
	if err != nil {
		c.tls.Close()
		return nil, err
	}
	defer libc.Xfree(c.tls, name)
	out := libc.Xcalloc(c.tls, 1, types.Size_t(unsafe.Sizeof(c.db)))
	defer libc.Xfree(c.tls, out)
	const flags = sqlite3.SQLITE_OPEN_READWRITE | sqlite3.SQLITE_OPEN_CREATE | sqlite3.SQLITE_OPEN_URI |
		sqlite3.SQLITE_OPEN_NOMUTEX
	rc := sqlite3.Xsqlite3_open_v2(c.tls, name, out, flags, 0)
	c.db = *(*uintptr)(memory(out))
	if rc == sqlite3.SQLITE_OK {
		rc = sqlite3.Xsqlite3_extended_result_codes(c.tls, c.db, 1)
	}
	for _, o := range []struct {
		option int32
		on     bool
	}{
		{sqlite3.SQLITE_DBCONFIG_DQS_DDL, false}, {sqlite3.SQLITE_DBCONFIG_DQS_DML, false},
		// A plan follows the statement, not its arguments: otherwise a query that
		// compares an argument near a partial index is compiled again each time.
		{sqlite3.SQLITE_DBCONFIG_ENABLE_QPSG, true},
	} {
		if rc == sqlite3.SQLITE_OK {
			rc = c.configure(o.option, o.on)
		}
	}
	if rc != sqlite3.SQLITE_OK {
		err := c.fail(rc)
		_ = c.close()
		return nil, err
	}
	return c, nil
}

// configure switches one of the connection's options.
func (c *sqliteConn) configure(option int32, on bool) int32 {
	list := libc.Xcalloc(c.tls, 2, 8)
	defer libc.Xfree(c.tls, list)
	return sqlite3.Xsqlite3_db_config(c.tls, c.db, option, libc.VaList(list, libc.Bool32(on), uintptr(0)))
}

// keepLog has the connection leave the log as it is when it closes as the last.
func (c *sqliteConn) keepLog() {
	if c.db != 0 {
		c.configure(sqlite3.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)
	}
}

// logPath is the write-ahead log's file, as SQLite names it.
func (c *sqliteConn) logPath() string {
	file := sqlite3.Xsqlite3_db_filename(c.tls, c.db, 0)
	return libc.GoString(sqlite3.Xsqlite3_filename_wal(c.tls, file))
}

// syncFile writes what was copied into the database's file to the disk. The file's own
// method does it: another descriptor of the file would drop SQLite's locks when closed.
func (c *sqliteConn) syncFile() error {
	out := libc.Xcalloc(c.tls, 1, types.Size_t(unsafe.Sizeof(uintptr(0))))
	defer libc.Xfree(c.tls, out)
	if rc := sqlite3.Xsqlite3_file_control(c.tls, c.db, 0, sqlite3.SQLITE_FCNTL_FILE_POINTER, out); rc != sqlite3.SQLITE_OK {
		return c.fail(rc)
	}
	file := *(*uintptr)(memory(out))
	methods := (*sqlite3.Tsqlite3_io_methods)(memory((*sqlite3.Tsqlite3_file)(memory(file)).FpMethods))
	sync := *(*func(*libc.TLS, uintptr, int32) int32)(unsafe.Pointer(&struct{ uintptr }{methods.FxSync}))
	if rc := sync(c.tls, file, sqlite3.SQLITE_SYNC_NORMAL); rc != sqlite3.SQLITE_OK {
		return c.fail(rc)
	}
	return nil
}

// memory is C memory as a pointer. It is not the garbage collector's: it
// neither moves nor goes away before it is freed.
func memory(p uintptr) unsafe.Pointer { return *(*unsafe.Pointer)(unsafe.Pointer(&p)) }

// fail is the error of a result code.
func (c *sqliteConn) fail(rc int32) error {
	text := libc.GoString(sqlite3.Xsqlite3_errstr(c.tls, rc))
	// The connection's message is about its last failure, which may be another.
	if c.db != 0 && sqlite3.Xsqlite3_extended_errcode(c.tls, c.db)&0xff == rc&0xff {
		if said := libc.GoString(sqlite3.Xsqlite3_errmsg(c.tls, c.db)); said != text {
			text += ": " + said
		}
	}
	return &sqliteError{code: int(rc), text: fmt.Sprintf("%s (%d)", text, rc)}
}

// close ends the connection; its statements must be finalized.
func (c *sqliteConn) close() error {
	var err error
	if c.db != 0 {
		if rc := sqlite3.Xsqlite3_close(c.tls, c.db); rc != sqlite3.SQLITE_OK {
			return c.fail(rc)
		}
		c.db = 0
	}
	c.tls.Close()
	return err
}

// sqliteStmt is a compiled statement.
type sqliteStmt struct {
	c       *sqliteConn
	p       uintptr
	params  []int // of each SQLite parameter the $n, from 0
	columns int
	text    uintptr // C memory that holds the text arguments of an execution
	size    int
}

// prepare compiles a single statement.
func (c *sqliteConn) prepare(query string) (*sqliteStmt, error) {
	text, err := libc.CString(query)
	if err != nil {
		return nil, err
	}
	defer libc.Xfree(c.tls, text)
	out := libc.Xcalloc(c.tls, 2, types.Size_t(unsafe.Sizeof(text)))
	defer libc.Xfree(c.tls, out)
	tail := out + unsafe.Sizeof(text)
	if rc := sqlite3.Xsqlite3_prepare_v3(c.tls, c.db, text, -1, sqlite3.SQLITE_PREPARE_PERSISTENT, out, tail); rc != sqlite3.SQLITE_OK {
		return nil, c.fail(rc)
	}
	st := &sqliteStmt{c: c, p: *(*uintptr)(memory(out))}
	if rest := libc.GoString(*(*uintptr)(memory(tail))); st.p == 0 || rest != "" {
		_ = st.finalize()
		return nil, fmt.Errorf("not one statement: %s", query)
	}
	// SQLite numbers $n by where it first appears.
	for i := range sqlite3.Xsqlite3_bind_parameter_count(c.tls, st.p) {
		name := libc.GoString(sqlite3.Xsqlite3_bind_parameter_name(c.tls, st.p, i+1))
		n, err := strconv.Atoi(name[min(1, len(name)):])
		if err != nil || n < 1 {
			_ = st.finalize()
			return nil, fmt.Errorf("parameter %q is not $n: %s", name, query)
		}
		st.params = append(st.params, n-1)
	}
	st.columns = int(sqlite3.Xsqlite3_column_count(c.tls, st.p))
	return st, nil
}

func (s *sqliteStmt) finalize() error {
	rc := sqlite3.Xsqlite3_finalize(s.c.tls, s.p)
	if s.text != 0 {
		libc.Xfree(s.c.tls, s.text)
	}
	s.p, s.text, s.size = 0, 0, 0
	if rc != sqlite3.SQLITE_OK {
		return s.c.fail(rc)
	}
	return nil
}

// reset makes the statement ready to be run again and gives its locks back.
// What went wrong in the run was told by step.
func (s *sqliteStmt) reset() { sqlite3.Xsqlite3_reset(s.c.tls, s.p) }

// step runs to the next row; false at the end.
func (s *sqliteStmt) step() (bool, error) {
	switch rc := sqlite3.Xsqlite3_step(s.c.tls, s.p); rc {
	case sqlite3.SQLITE_ROW:
		return true, nil
	case sqlite3.SQLITE_DONE:
		return false, nil
	default:
		return false, s.c.fail(rc)
	}
}

// changes is how many rows the last statement changed.
func (c *sqliteConn) changes() int64 { return sqlite3.Xsqlite3_changes64(c.tls, c.db) }

// written is how many pages went to the log since it was asked last.
func (c *sqliteConn) written() int {
	out := libc.Xcalloc(c.tls, 2, 4)
	defer libc.Xfree(c.tls, out)
	sqlite3.Xsqlite3_db_status(c.tls, c.db, sqlite3.SQLITE_DBSTATUS_CACHE_WRITE, out, out+4, 1)
	return int(*(*int32)(memory(out)))
}

// inTransaction reports whether a BEGIN is neither committed nor rolled back.
func (c *sqliteConn) inTransaction() bool { return sqlite3.Xsqlite3_get_autocommit(c.tls, c.db) == 0 }

// lastID is the id that the last insert made up.
func (c *sqliteConn) lastID() int64 { return sqlite3.Xsqlite3_last_insert_rowid(c.tls, c.db) }

// bind gives the statement its arguments: a nil pointer and a zero time are NULL.
func (s *sqliteStmt) bind(args []any) error {
	if err := s.room(args); err != nil {
		return err
	}
	at := s.text
	for i, n := range s.params {
		if n >= len(args) {
			return fmt.Errorf("there is no argument $%d", n+1)
		}
		var rc int32
		i := int32(i + 1)
		switch v := args[n].(type) {
		case nil:
			rc = sqlite3.Xsqlite3_bind_null(s.c.tls, s.p, i)
		case int64:
			rc = sqlite3.Xsqlite3_bind_int64(s.c.tls, s.p, i, v)
		case int:
			rc = sqlite3.Xsqlite3_bind_int64(s.c.tls, s.p, i, int64(v))
		case *int64:
			if v == nil {
				rc = sqlite3.Xsqlite3_bind_null(s.c.tls, s.p, i)
			} else {
				rc = sqlite3.Xsqlite3_bind_int64(s.c.tls, s.p, i, *v)
			}
		case bool:
			rc = sqlite3.Xsqlite3_bind_int64(s.c.tls, s.p, i, int64(libc.Bool32(v)))
		case time.Time:
			if v.IsZero() {
				rc = sqlite3.Xsqlite3_bind_null(s.c.tls, s.p, i)
			} else {
				rc = sqlite3.Xsqlite3_bind_int64(s.c.tls, s.p, i, v.UnixMicro())
			}
		case string:
			if strings.IndexByte(v, 0) >= 0 {
				return badText(nil)
			}
			copy(unsafe.Slice((*byte)(memory(at)), len(v)+1), v)
			rc = sqlite3.Xsqlite3_bind_text(s.c.tls, s.p, i, at, int32(len(v)), sqliteStatic)
			at += uintptr(len(v))
		case []byte:
			if v == nil {
				rc = sqlite3.Xsqlite3_bind_null(s.c.tls, s.p, i)
				break
			}
			copy(unsafe.Slice((*byte)(memory(at)), len(v)+1), v)
			rc = sqlite3.Xsqlite3_bind_blob(s.c.tls, s.p, i, at, int32(len(v)), sqliteStatic)
			at += uintptr(len(v))
		default:
			return fmt.Errorf("an argument of type %T cannot be stored", v)
		}
		if rc != sqlite3.SQLITE_OK {
			return s.c.fail(rc)
		}
	}
	return nil
}

// sqliteStatic says that a text stays where it is until the statement is reset.
const sqliteStatic = 0

// room makes the C memory large enough for the text arguments of one
// execution; a parameter is one place in SQL, however often it stands there.
func (s *sqliteStmt) room(args []any) error {
	need := 1 // an empty text needs an address as well
	for _, a := range args {
		switch v := a.(type) {
		case string:
			need += len(v)
		case []byte:
			need += len(v)
		}
	}
	if need > math.MaxInt32 {
		return fmt.Errorf("a text of %d bytes is too long", need)
	}
	if need <= s.size {
		return nil
	}
	if s.text != 0 {
		libc.Xfree(s.c.tls, s.text)
	}
	s.size = max(need, 128)
	s.text = libc.Xmalloc(s.c.tls, types.Size_t(s.size))
	if s.text == 0 {
		s.size = 0
		return fmt.Errorf("no memory for an argument of %d bytes", need)
	}
	return nil
}

// read copies the columns of the current row.
func (s *sqliteStmt) read(cells []cell) {
	for i := range cells {
		v := &cells[i]
		n := int32(i)
		switch sqlite3.Xsqlite3_column_type(s.c.tls, s.p, n) {
		case sqlite3.SQLITE_INTEGER:
			*v = cell{kind: cellInt, n: sqlite3.Xsqlite3_column_int64(s.c.tls, s.p, n)}
		case sqlite3.SQLITE_TEXT:
			p := sqlite3.Xsqlite3_column_text(s.c.tls, s.p, n)
			*v = cell{kind: cellText, s: s.copy(p, n)}
		case sqlite3.SQLITE_BLOB:
			p := sqlite3.Xsqlite3_column_blob(s.c.tls, s.p, n)
			*v = cell{kind: cellBlob, s: s.copy(p, n)}
		default: // NULL; the tables hold nothing else
			*v = cell{}
		}
	}
}

// copy is a column's bytes as a string of ours.
func (s *sqliteStmt) copy(p uintptr, column int32) string {
	size := sqlite3.Xsqlite3_column_bytes(s.c.tls, s.p, column)
	if p == 0 || size == 0 {
		return ""
	}
	return string(unsafe.Slice((*byte)(memory(p)), size))
}
