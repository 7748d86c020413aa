"""Station metadata from files, as one ObsPy Inventory and as `site` and `channel` documents."""
