package sippy

func deleteAccountMethod() method {
	return anAccount.method("deleteAccount", "Deletes an account that has no balance and nothing open.", deleteOwner)
}
