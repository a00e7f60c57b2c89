package cli

// voucherCmd makes and lists vouchers.
type voucherCmd struct {
	Create voucherCreateCmd `cmd:"" help:"Make vouchers; their codes are printed once and cannot be shown again."`
	List   voucherListCmd   `cmd:"" help:"List vouchers and who used them."`
}
