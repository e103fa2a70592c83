"""Ranking records and judging them against criteria."""
