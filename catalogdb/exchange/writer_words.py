"""Reasons why a format can't hold something, as writers count them."""

UNLOCATED = "events without a location"
NO_MAGNITUDE = "events without a magnitude"
NO_DEPTH = "events without a depth"
NO_ARRIVALS = "events without arrivals"
