"""Frozen values of the lab; numpy and the standard library only."""
