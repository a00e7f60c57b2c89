package billing

import "time"

// OpenedBucket is a bucket of an allowance (UnitSMS, UnitKB) that was opened for an owner.
// What is in it is the ledger's. An owner's money needs none: it is there with its owner.
type OpenedBucket struct {
	Bucket    // only read
	Top       OwnerID
	Extra     string
	CreatedAt time.Time
	// ClosedAt: it is as if it were not there. It was empty then.
	ClosedAt time.Time
}

// BucketReader reads opened buckets.
type BucketReader interface {
	// OpenedBucket reads closed ones too.
	OpenedBucket(OwnerID, Unit) (OpenedBucket, error)
	// OpenedBuckets lists an owner's that are not closed, by unit.
	OpenedBuckets(OwnerID) ([]OpenedBucket, error)
	// AllOpenedBuckets lists everybody's, closed ones too, by owner and unit, after the
	// given pair.
	AllOpenedBuckets(after OwnerID, unit Unit, limit int) ([]OpenedBucket, error)
}

// BucketWriter writes them.
type BucketWriter interface {
	// PutOpenedBucket inserts or replaces; the ledger's part of it is only read. Errors:
	// Conflict for closing one that is not empty.
	PutOpenedBucket(*OpenedBucket) error
}
