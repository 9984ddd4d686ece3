"""Runs with quantized weights: how they are made, what it costs, and how they are opened."""
