"""Runs of jobs: stage by stage through an engine or by workers of their own, their records, and what a run would do."""
