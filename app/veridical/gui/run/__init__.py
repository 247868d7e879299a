"""The Run page: from the pre-flight gate to a verified recording."""
