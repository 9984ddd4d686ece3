"""Data: sources, splits, transforms, the loader and the built-in data sets."""

from powertrain.boundary import export
from powertrain.data.batch import Batch
from powertrain.data.dataset import Dataset, Section
from powertrain.data.errors import DataError
from powertrain.data.folders import ClassFolders, class_folders, files_in
from powertrain.data.loader import Loader
from powertrain.data.order import Draw
from powertrain.data.source import ArraySource, Mapped, Source, Subset
from powertrain.data.split import split_ordered, split_random, split_stratified
from powertrain.data.text import Vocabulary, Windows
from powertrain.data.transforms import (
    Channel,
    Flatten,
    RandomTransform,
    Scale,
    Standardise,
    Transform,
    Transformed,
)

__all__ = [
    "ArraySource",
    "Batch",
    "Channel",
    "ClassFolders",
    "DataError",
    "Dataset",
    "Draw",
    "Flatten",
    "Loader",
    "Mapped",
    "RandomTransform",
    "Scale",
    "Section",
    "Source",
    "Standardise",
    "Subset",
    "Transform",
    "Transformed",
    "Vocabulary",
    "Windows",
    "class_folders",
    "files_in",
    "split_ordered",
    "split_random",
    "split_stratified",
]

export(globals())
