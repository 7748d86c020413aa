"""SeisLM: a network that learns from unlabelled waveforms first, and from few labels then. No database."""
