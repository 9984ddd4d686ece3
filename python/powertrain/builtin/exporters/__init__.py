"""The exporters that come with the engine: weights with PyTorch code, C, and a wheel."""
