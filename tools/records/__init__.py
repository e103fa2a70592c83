"""Records become groups and studies."""
