"""A real server: vLLM on the processor, serving the small model of `tests.trained`."""
