package billing

// Change is one member of a set call: absent (the zero value) leaves the field
// as it is, null (Given with a nil Value) and a value replace it.
type Change[T any] struct {
	Given bool
	Value *T
}

// To is a change to a value.
func To[T any](v T) Change[T] { return Change[T]{Given: true, Value: &v} }

// ToNull is a change to null.
func ToNull[T any]() Change[T] { return Change[T]{Given: true} }

// required is the value of a field that has no null: Invalid when it is null.
func (c Change[T]) required(field string) (T, error) {
	if c.Value == nil {
		var zero T
		return zero, Errorf(Invalid, field, "%s cannot be null", field)
	}
	return *c.Value, nil
}

// set replaces a member that was given; null empties it.
func set[T any](dst *T, c Change[T]) {
	if !c.Given {
		return
	}
	var zero T
	*dst = zero
	if c.Value != nil {
		*dst = *c.Value
	}
}
