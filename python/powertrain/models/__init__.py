"""The built-in models: plugins of the group `model`."""

from powertrain.boundary import export
from powertrain.models.cnn import CNN, LeNet
from powertrain.models.columns import columns_section
from powertrain.models.common import Model, ModelError
from powertrain.models.host import HostModel
from powertrain.models.language import GPT, LSTMLanguageModel
from powertrain.models.mlp import MLP, LinearModel
from powertrain.models.nearest import NearestMean
from powertrain.models.resnet import ResNet18
from powertrain.models.vit import ViT

__all__ = [
    "CNN", "GPT", "MLP", "HostModel", "LSTMLanguageModel", "LeNet", "LinearModel", "Model", "ModelError",
    "NearestMean", "ResNet18", "ViT", "columns_section",
]  # fmt: skip

export(globals())
