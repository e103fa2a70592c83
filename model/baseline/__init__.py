"""An engine of rules and embeddings, without a language model."""
