"""Input files of other programs that locate, and what they make of them."""
