"""The ledger: what a stage is to it, which tasks there are, who holds them, and the one way to carry one out."""
