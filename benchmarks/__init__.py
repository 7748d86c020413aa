"""Benchmarks beside other programs; README.md says how to run and read them."""
