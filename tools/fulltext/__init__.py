"""Full texts: reading them and finding quotes in them."""
