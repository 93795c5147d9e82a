"""`python -m commonplace`."""

from commonplace.cli import main

main()
