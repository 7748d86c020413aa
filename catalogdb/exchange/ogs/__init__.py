"""The OGS bulletin's own files: `.dat` phase cards, `.hpl`/`.hpc` listings, `.pun` summaries and `.txt` bulletins."""
