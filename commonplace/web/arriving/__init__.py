"""Bodies that are files: forms read while they arrive, uploads that go on where they broke off."""
