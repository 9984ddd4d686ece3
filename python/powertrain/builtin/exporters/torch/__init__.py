"""A trained run as weights for PyTorch, with the code of the model."""

from powertrain.builtin.exporters.torch.exporter import Safetensors

__all__ = ["Safetensors"]
