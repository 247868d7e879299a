"""The Model page: train, and read what may be believed."""
