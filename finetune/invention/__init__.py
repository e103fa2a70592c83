"""Invented trials and questions about them: they teach form, copying and abstaining, and no medicine."""
