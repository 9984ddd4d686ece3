"""powertrain-generative: models that learn what data look like, and draw more of them."""
