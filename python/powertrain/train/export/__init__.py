"""How a trained run becomes something else: traced, written by an exporter, compared with the engine."""
