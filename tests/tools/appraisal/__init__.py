"""Tests of risk of bias and certainty of evidence."""
