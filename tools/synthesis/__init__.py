"""From extracted numbers to pooled effects: conversions, checks, effect sizes, pooling. Pure."""
