"""Looking after results: where an event comes from, what differs, and taking results away."""
