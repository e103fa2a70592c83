"""`python -m agent`."""

import sys

from agent.cli import main


def entry() -> None:
    """Console script."""
    sys.exit(main())


if __name__ == "__main__":
    entry()
