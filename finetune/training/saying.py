"""Words for the person who trains: on standard error, from one process only."""

import os
import sys

__all__ = ["say"]


def say(line: str) -> None:
    """Print a line, in the first process alone."""
    if os.environ.get("RANK", "0") == "0":
        print(line, file=sys.stderr, flush=True)
