package sippy

func blockAccountMethod() method {
	return anAccount.method("blockAccount", "Blocks an account: no job charges its cards.", blockOwner)
}

func unblockAccountMethod() method {
	return anAccount.method("unblockAccount", "Lifts what blockAccount did, and no other block.", unblockOwner)
}
