"""Training of models that answer the tasks in the project's own prompts."""
