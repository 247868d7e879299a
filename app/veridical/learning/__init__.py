"""Models of one participant, validated so that they cannot flatter."""
