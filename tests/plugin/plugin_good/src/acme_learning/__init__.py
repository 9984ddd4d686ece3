"""A distribution of plugins."""
