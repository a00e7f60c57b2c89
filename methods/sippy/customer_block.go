package sippy

func blockCustomerMethod() method {
	return aCustomer.method("blockCustomer", "Blocks a customer and all below it: no job charges their cards.", blockOwner)
}

func unblockCustomerMethod() method {
	return aCustomer.method("unblockCustomer", "Lifts what blockCustomer did, and no other block.", unblockOwner)
}
