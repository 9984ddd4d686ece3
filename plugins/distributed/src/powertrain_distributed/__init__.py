"""Runs of powertrain on several machines."""
