"""Tests of checks, conversions, effects and pooling."""
