"""Which of a station's sensors serves best, told by its channel codes (SEED: band, instrument, orientation)."""

SENSOR_PRIORITY = (
    *("HH", "EH", "EP", "HN", "EN", "HG", "BH", "SH", "CH", "DH"),
    *("DP", "GP", "CN", "BN", "HL", "SL"),
)
"""Band and instrument codes, best first for local earthquakes."""
