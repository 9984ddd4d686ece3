"""Modules, layers and initialisers."""

from powertrain.nn import init
from powertrain.nn.attention import CausalSelfAttention, MultiHeadAttention, TransformerBlock
from powertrain.nn.layers import (
    GELU,
    AvgPool2d,
    Conv2d,
    Dropout,
    Embedding,
    Flatten,
    GlobalAveragePool,
    Linear,
    MaxPool2d,
    ReLU,
    Sigmoid,
    SiLU,
    Tanh,
)
from powertrain.nn.module import Module, Parameter, Sequential, StateError
from powertrain.nn.norm import BatchNorm, LayerNorm, RMSNorm
from powertrain.nn.recurrent import LSTM

__all__ = [
    "GELU",
    "LSTM",
    "AvgPool2d",
    "BatchNorm",
    "CausalSelfAttention",
    "Conv2d",
    "Dropout",
    "Embedding",
    "Flatten",
    "GlobalAveragePool",
    "LayerNorm",
    "Linear",
    "MaxPool2d",
    "Module",
    "MultiHeadAttention",
    "Parameter",
    "RMSNorm",
    "ReLU",
    "Sequential",
    "SiLU",
    "Sigmoid",
    "StateError",
    "Tanh",
    "TransformerBlock",
    "init",
]
