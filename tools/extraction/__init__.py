"""Deterministic readers of a report: the numbers in its tables and sentences."""
