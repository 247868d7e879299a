"""The Study page: participants and how far they have come."""
