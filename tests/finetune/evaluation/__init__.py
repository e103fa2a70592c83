"""Tests of what an engine is measured by."""
