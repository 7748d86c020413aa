"""Velocity models in three dimensions from the arrivals of a catalog: no database, no files."""
