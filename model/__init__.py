"""The reasoning engine: tasks, prompts and the backends that answer them."""
