"""What a button means, without Qt."""
