"""What leaves the review: counts, diagram, tables, pages."""
