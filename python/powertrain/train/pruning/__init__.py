"""Runs with pruned weights: how they are made and trained on, what it costs, and how they are opened."""
