package billing

// ServiceID names a service.
type ServiceID int64

// Service is what an account uses of the network.
type Service struct {
	ID    ServiceID
	Owner OwnerID
	Top   OwnerID
	// Class is the kind of service as a path: /service/telco/gsm/sms.
	Class string
}

// ServiceReader reads services.
type ServiceReader interface {
	Service(ServiceID) (Service, error)
	// ServicesOf lists an owner's, by id.
	ServicesOf(OwnerID) ([]Service, error)
	// Services lists by id, ids above after; not those of deleted owners.
	Services(after ServiceID, limit int) ([]Service, error)
}

// ServiceWriter writes them.
type ServiceWriter interface {
	// PutService inserts or replaces.
	PutService(*Service) error
}
