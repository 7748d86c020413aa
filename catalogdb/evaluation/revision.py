"""The revision of matching and scores."""

REVISION = 5
"""Part of what decides whether a stored comparison is current; raised when the same input gives another result."""
