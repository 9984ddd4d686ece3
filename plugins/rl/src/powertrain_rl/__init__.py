"""Reinforcement learning for powertrain: environments that are traced, strategies, models of actors and critics."""
