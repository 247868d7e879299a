"""What is handed out: the report of a model, with its figures."""
