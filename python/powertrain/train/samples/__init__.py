"""Pictures and sounds that a run shows while it trains: `evaluate.samples`."""
