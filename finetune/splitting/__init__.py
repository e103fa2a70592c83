"""Train, validation and test, and the proof that nothing of one stands in another."""
