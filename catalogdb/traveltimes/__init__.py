"""Velocity models, and the travel times of first arrivals in them."""
