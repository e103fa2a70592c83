"""A small model to begin training from, where there is no large one."""
