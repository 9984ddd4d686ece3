"""The built-in models: plugins of the group `model`."""

from powertrain.builtin.models.cnn import CNN, LeNet
from powertrain.builtin.models.language import GPT, LSTMLanguageModel
from powertrain.builtin.models.mlp import MLP, LinearModel
from powertrain.builtin.models.nearest import NearestMean
from powertrain.builtin.models.resnet import BasicBlock, ResNet18
from powertrain.builtin.models.vit import ViT
from powertrain.errors.boundary import export
from powertrain.errors.hints import attributes

__all__ = [
    "CNN",
    "GPT",
    "MLP",
    "BasicBlock",
    "LSTMLanguageModel",
    "LeNet",
    "LinearModel",
    "NearestMean",
    "ResNet18",
    "ViT",
]  # fmt: skip

export(globals())
__getattr__, __dir__ = attributes(__name__, __all__)
