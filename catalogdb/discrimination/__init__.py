"""What kind of event it was: earthquake, explosion or something at the surface, from the waveforms of its stations."""
