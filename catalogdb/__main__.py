"""`python -m catalogdb`."""

from catalogdb.cli import main

main()
