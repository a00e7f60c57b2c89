package sippy

func deleteCustomerMethod() method {
	return aCustomer.method("deleteCustomer", "Deletes a customer that has no balance, nothing open, and nothing below it.", deleteOwner)
}
