"""Generation: a decoder that continues sequences of tokens, one token at a time."""

from powertrain.nn.generation.cache import CacheStep, KVCache, LayerCache
from powertrain.nn.generation.generate import generate, stream_generate
from powertrain.nn.generation.sampling import GenerationError
from powertrain.nn.generation.sequence import Written

__all__ = [
    "CacheStep",
    "GenerationError",
    "KVCache",
    "LayerCache",
    "Written",
    "generate",
    "stream_generate",
]
