"""The built-in models: plugins of the group `model`."""

from powertrain.boundary import export
from powertrain.models.cnn import CNN, LeNet
from powertrain.models.columns import columns_section
from powertrain.models.common import ModelError, as_floats, as_images, as_rows, check_task, features, image_shape
from powertrain.models.host import HostModel
from powertrain.models.language import GPT, LSTMLanguageModel
from powertrain.models.mlp import MLP, LinearModel
from powertrain.models.nearest import NearestMean
from powertrain.models.resnet import BasicBlock, ResNet18
from powertrain.models.vit import ViT

__all__ = [
    "CNN",
    "GPT",
    "MLP",
    "BasicBlock",
    "HostModel",
    "LSTMLanguageModel",
    "LeNet",
    "LinearModel",
    "ModelError",
    "NearestMean",
    "ResNet18",
    "ViT",
    "as_floats",
    "as_images",
    "as_rows",
    "check_task",
    "columns_section",
    "features",
    "image_shape",
]  # fmt: skip

export(globals())
