"""A simulated amplifier and the body of a simulated participant: live over LSL, or written to XDF."""
