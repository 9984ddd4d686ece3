"""The calls of PyTorch that the engine offers, by topic, with PyTorch's argument names."""
