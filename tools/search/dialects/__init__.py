"""Search strategies in the languages of other databases."""
