"""The Live page: what is needed before a model can run on live streams."""
