"""Makers of instructions: one file per task or kind of evidence, each a generator over the corpus."""
