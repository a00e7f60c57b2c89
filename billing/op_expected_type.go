package billing

import (
	"context"
	"errors"
	"strings"
	"unicode/utf8"
)

// ExpectedTypeParams are the members of a type of expected payment; what is not given
// stays.
type ExpectedTypeParams struct {
	Name        Change[string] // 1 to 255 characters, unique in any case
	DisplayName Change[string] // null is the name
	Description Change[string]
}

// ExpectedTypes are the operator's, by id.
func (e *Engine) ExpectedTypes(ctx context.Context, f ListFilter) (all []ExpectedType, err error) {
	err = e.view(ctx, func(r Reader) (err error) {
		all, err = r.ExpectedTypes(f)
		return err
	})
	return all, err
}

// ExpectedType is one of them. Errors: NotFound.
func (e *Engine) ExpectedType(ctx context.Context, id ExpectedTypeID) (t ExpectedType, err error) {
	err = e.view(ctx, func(r Reader) (err error) {
		t, err = expectedTypeOf(r, id)
		return err
	})
	return t, err
}

func expectedTypeOf(r Reader, id ExpectedTypeID) (ExpectedType, error) {
	t, err := r.ExpectedType(id)
	if errors.Is(err, NotFound) {
		return t, Errorf(NotFound, "id", "there is no type %d of expected payments", id)
	}
	return t, err
}

// CreateExpectedType makes one. Errors: Forbidden, Missing, Invalid, Exists.
func (e *Engine) CreateExpectedType(ctx context.Context, p ExpectedTypeParams) (t ExpectedType, err error) {
	err = e.update(ctx, func(u *unitOfWork) error {
		if err := u.operatorsTypes(); err != nil {
			return err
		}
		if !p.Name.Given {
			return Errorf(Missing, "expectedPaymentTypeName", "expectedPaymentTypeName is required")
		}
		t = ExpectedType{CreatedAt: u.now, UpdatedAt: u.now}
		if err := t.change(p); err != nil {
			return err
		}
		if err := u.putExpectedType(&t); err != nil {
			return err
		}
		return u.audit(AuditAdd, Root, auditKey("expected_payment_types", "id", int64(t.ID)), newAudit().set("name", t.Name))
	})
	return t, err
}

// UpdateExpectedType changes one. Errors: Forbidden, NotFound, Invalid, Exists, Conflict
// for ExpectedTopup.
func (e *Engine) UpdateExpectedType(ctx context.Context, id ExpectedTypeID, p ExpectedTypeParams) (t ExpectedType, err error) {
	err = e.update(ctx, func(u *unitOfWork) error {
		if err := u.operatorsTypes(); err != nil {
			return err
		}
		before, err := expectedTypeOf(u.tx, id)
		if err != nil {
			return err
		}
		t = before
		if err := t.change(p); err != nil {
			return err
		}
		info := newAudit().change("name", before.Name, t.Name).change("display_name", before.DisplayName, t.DisplayName).
			change("description", before.Description, t.Description)
		switch {
		case info.empty():
			return nil
		case id == ExpectedTopup:
			return Errorf(Conflict, "id", "what profiles expect keeps its type")
		}
		t.UpdatedAt = u.now
		if err := u.putExpectedType(&t); err != nil {
			return err
		}
		return u.audit(AuditUpdate, Root, auditKey("expected_payment_types", "id", int64(id)), info)
	})
	return t, err
}

// DeleteExpectedType deletes one that no expected payment is of. Errors: Forbidden,
// NotFound, Conflict.
func (e *Engine) DeleteExpectedType(ctx context.Context, id ExpectedTypeID) error {
	return e.update(ctx, func(u *unitOfWork) error {
		if err := u.operatorsTypes(); err != nil {
			return err
		}
		t, err := expectedTypeOf(u.tx, id)
		if err != nil {
			return err
		}
		if err := u.tx.DeleteExpectedType(id); errors.Is(err, Conflict) {
			return Errorf(Conflict, "id", "expected payments are of this type")
		} else if err != nil {
			return err
		}
		return u.audit(AuditDelete, Root, auditKey("expected_payment_types", "id", int64(id)), newAudit().set("name", t.Name))
	})
}

func (u *unitOfWork) operatorsTypes() error {
	if !u.actor.IsRoot() {
		return Errorf(Forbidden, "", "types of expected payments belong to the operator")
	}
	return nil
}

// change checks and applies what is given.
func (t *ExpectedType) change(p ExpectedTypeParams) (err error) {
	if p.Name.Given {
		if t.Name, err = p.Name.required("expectedPaymentTypeName"); err != nil {
			return err
		}
		t.Name = strings.TrimSpace(t.Name)
	}
	if set(&t.DisplayName, p.DisplayName); t.DisplayName == "" {
		t.DisplayName = t.Name
	}
	set(&t.Description, p.Description)
	for _, text := range []struct {
		field, value string
		least, most  int
	}{
		{"expectedPaymentTypeName", t.Name, 1, maxProfileName}, {"expectedPaymentTypeDisplayName", t.DisplayName, 1, maxProfileName},
		{"expectedPaymentTypeDescription", t.Description, 0, maxProfileText},
	} {
		if n := utf8.RuneCountInString(text.value); n < text.least || n > text.most {
			return Errorf(Invalid, text.field, "%d to %d characters", text.least, text.most)
		}
	}
	return nil
}

func (u *unitOfWork) putExpectedType(t *ExpectedType) error {
	err := u.tx.PutExpectedType(t)
	if errors.Is(err, Exists) {
		return Errorf(Exists, "expectedPaymentTypeName", "there is a type of this name")
	}
	return err
}
