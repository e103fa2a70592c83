"""Measured side by side: each module here prints one table, and is run as `python -m bench.<name>`."""
