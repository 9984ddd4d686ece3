"""Watching a trained run: traffic from files and streams, and what the command says of it."""
