"""Pictures of a synthesis: forest plot, funnel plot, risk-of-bias plots. Values in, bytes out."""
