"""A run while it trains: data, steps, slots, early stopping."""
