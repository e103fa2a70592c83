"""An engine of vocabulary, rules and embeddings, without a language model."""

from model.baseline.engine import BaselineEngine

__all__ = ["BaselineEngine"]
