"""The domain: what a step of a review can use. Imports nothing else of ours."""
