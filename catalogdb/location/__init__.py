"""Where and when events were, and how well their arrivals tell it."""
