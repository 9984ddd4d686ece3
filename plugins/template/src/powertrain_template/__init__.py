"""Plugins for powertrain: model, loss, kernel."""
