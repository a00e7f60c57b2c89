package db

import (
	"errors"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"topupd/billing"
)

// errCareful: a rule was broken in a quick transaction; it is run again carefully.
var errCareful = &billing.Error{Code: billing.Internal, Message: "a transaction has to run again"}

// States of PostgreSQL that are told apart (appendix A of its manual).
const (
	pgUnique          = "23505"
	pgForeignKey      = "23503"
	pgNotNull         = "23502"
	pgCheck           = "23514"
	pgRaised          = "P0001"
	pgOutOfRange      = "22003"
	pgBadText         = "22021"
	pgDivision        = "22012" // by zero
	pgSerialization   = "40001"
	pgDeadlock        = "40P01"
	pgLockNotFree     = "55P03"
	pgReadOnly        = "25006"
	pgCancelled       = "57014"
	pgDiskFull        = "53100"
	pgRights          = "42501"
	pgUnknownObject   = "42704"
	pgWrongValue      = "22023"
	pgClassConnection = "08"
	pgClassResources  = "53" // out of memory, too many connections
	pgClassAccess     = "28" // password, user, pg_hba
	pgClassCatalog    = "3D" // no such database
	pgClassOperator   = "57" // shut down, starting, fail-over
)

// classifyPostgres turns an error of PostgreSQL or of the way to it into a billing.Error.
func classifyPostgres(err error) error {
	var known *billing.Error
	if err == nil || errors.As(err, &known) {
		return err
	}
	var pe *pgconn.PgError
	if !errors.As(err, &pe) {
		return unreachable(err)
	}
	if err := ofAddress(pe, err); err != nil {
		return err
	}
	switch pe.Code {
	case pgUnique:
		return &billing.Error{Code: billing.Exists, Field: pgUniqueField(pe), Err: err}
	case pgForeignKey:
		return &billing.Error{Code: billing.NotFound, Err: err}
	case pgNotNull:
		// top_id is looked up from the owner.
		if pe.ColumnName == "top_id" {
			return &billing.Error{Code: billing.NotFound, Field: "owner", Err: err}
		}
		return &billing.Error{Code: billing.Conflict, Err: err}
	case pgCheck:
		return broken(pe.ConstraintName, err)
	case pgRaised:
		return &billing.Error{Code: billing.Conflict, Err: err}
	case pgOutOfRange:
		return &billing.Error{Code: billing.Overflow, Field: "amount", Err: err}
	case pgBadText:
		return badText(err)
	case pgSerialization, pgDeadlock, pgLockNotFree, pgCancelled:
		return &billing.Error{Code: billing.Busy, Message: "busy, try again", Err: err}
	case pgReadOnly:
		return unreachable(err)
	case pgDiskFull:
		return withoutRoom(err)
	case pgRights:
		return withoutRights(err)
	}
	switch pe.Code[:min(2, len(pe.Code))] {
	case pgClassConnection, pgClassResources, pgClassOperator:
		return unreachable(err)
	}
	return internal(err)
}

// ofAddress is what the address or PostgreSQL's own files are wrong about; nil for others.
func ofAddress(pe *pgconn.PgError, err error) error {
	message := ""
	var connecting *pgconn.ConnectError
	switch class := pe.Code[:min(2, len(pe.Code))]; {
	case class == pgClassAccess:
		message = "PostgreSQL refuses the login: the user or password is wrong, or pg_hba.conf does not let them in"
	case class == pgClassCatalog:
		message = "there is no database of that name in PostgreSQL: look at the address, or make it with CREATE DATABASE"
	case !errors.As(err, &connecting):
		return nil
	case pe.Code == pgUnknownObject:
		message = "a parameter of the address is unknown to PostgreSQL"
	case pe.Code == pgWrongValue:
		message = "a parameter of the address has a value that PostgreSQL does not take"
	default:
		return nil
	}
	return &billing.Error{Code: billing.Conflict, Field: "db", Message: message, Err: err}
}

// atWork is what a request is told where the set-up became wrong under a server that
// works: it is not the caller's doing.
func atWork(err error) error {
	var ours *billing.Error
	var pe *pgconn.PgError
	if errors.As(err, &ours) && ours.Field == "db" && errors.As(err, &pe) {
		return &billing.Error{Code: billing.Busy, Message: "the database refuses this server, try again", Err: err}
	}
	return err
}

// withoutRights is a role that may not do what the program does. It is no rule's conflict:
// a transaction does not go on after it.
func withoutRights(err error) error {
	return &billing.Error{Code: billing.Forbidden, Field: "db",
		Message: "the role of the address lacks rights in PostgreSQL: it needs CONNECT, and to own the schema or have CREATE on it, and to own its tables or have all rights on them (who brings a schema up to date owns them)", Err: err}
}

// ofRule reports whether a statement was refused for what it says: a rule was broken,
// a value cannot be stored.
func ofRule(err error) bool {
	var pe *pgconn.PgError
	return errors.As(err, &pe) && (strings.HasPrefix(pe.Code, "22") || strings.HasPrefix(pe.Code, "23") || pe.Code == pgRaised)
}

// inState reports whether PostgreSQL refused with this SQLSTATE.
func inState(err error, state string) bool {
	var pe *pgconn.PgError
	return errors.As(err, &pe) && pe.Code == state
}

// changedNothing reports whether a statement that must change a row did not (mustChange).
func changedNothing(err error) bool { return inState(err, pgDivision) }

// lockNotFree reports whether somebody held a lock for longer than a caller waits.
func lockNotFree(err error) bool { return inState(err, pgLockNotFree) }

// unreachable is a database that cannot work at the moment.
func unreachable(err error) error {
	return &billing.Error{Code: billing.Busy, Message: "the database cannot be reached, try again", Err: err}
}

// again reports whether a transaction that failed so may be run again: it was undone,
// by the server or because its connection is gone before it was committed.
func again(err error) bool {
	var ours *billing.Error
	if errors.As(err, &ours) && ours.Code == billing.Internal {
		return false // also one about a commit that nobody knows of
	}
	var pe *pgconn.PgError
	if !errors.As(err, &pe) {
		return ours != nil && ours.Code == billing.Busy && ours.Err != nil
	}
	switch pe.Code {
	case pgSerialization, pgDeadlock, pgReadOnly:
		return true
	case pgLockNotFree, pgCancelled:
		return false // it waited long enough
	}
	switch pe.Code[:min(2, len(pe.Code))] {
	case pgClassConnection, pgClassOperator:
		return true
	}
	return pe.Code == "53300" // too many connections: one may become free
}

// pgUniqueField names the field by the columns that PostgreSQL tells: "Key (a, b)=(...)
// already exists.", in whatever language.
func pgUniqueField(pe *pgconn.PgError) string {
	_, rest, _ := strings.Cut(pe.Detail, "(")
	columns, _, found := strings.Cut(rest, ")=(")
	if !found {
		return pe.ConstraintName
	}
	names := strings.Split(columns, ", ")
	for i, name := range names {
		names[i] = pe.TableName + "." + name
	}
	if field, ok := constraintFields[strings.Join(names, ", ")]; ok {
		return field
	}
	return strings.Split(columns, ", ")[0]
}
