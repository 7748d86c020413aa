"""Uncertainties of picks (seconds) that sources give as a class, or not at all."""

DEFAULT_PICK_UNCERTAINTY = 0.1  # seconds, for sources that don't say
HYPO71_UNCERTAINTY = {0: 0.01, 1: 0.04, 2: 0.2, 3: 1.0, 4: 5.0, 5: 25.0}  # seconds, by the analyst's weight class
