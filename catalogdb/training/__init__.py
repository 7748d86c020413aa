"""Training of pickers: labelled records, windows, the loop, and the gate that a new model must pass. No database."""
