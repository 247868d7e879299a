"""The Annotate page: artifacts marked by hand."""
