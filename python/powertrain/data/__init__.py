"""Data: data sets, samplers, the loader, splits, transforms, and readers of data files."""

from powertrain.data.batch import Batch
from powertrain.data.cached import Cached
from powertrain.data.classes import class_numbers
from powertrain.data.collate import collate
from powertrain.data.column_dataset import ArrowDataset, ParquetDataset
from powertrain.data.dataset import (
    ArrayDataset,
    ConcatDataset,
    Dataset,
    IterableDataset,
    Mapped,
    Subset,
    TensorDataset,
)
from powertrain.data.dataset_folder import DatasetFolder, ImageFolder
from powertrain.data.errors import DataError, DataFileError
from powertrain.data.folders import ClassFolders, class_folders
from powertrain.data.formats import (
    data_folders,
    find_files,
    open_file,
    read_arrays,
    read_bytes,
    read_idx,
    read_text,
)
from powertrain.data.identity import identities, kept_parts
from powertrain.data.loader import DataLoader
from powertrain.data.module import DataModule, RawTable
from powertrain.data.order import Draw
from powertrain.data.padded import PaddedCollate
from powertrain.data.picture_batches import read_images
from powertrain.data.pictures import IMG_EXTENSIONS, read_image, upright
from powertrain.data.rdata import read_r_table
from powertrain.data.reading import InputFile
from powertrain.data.samplers import (
    BatchSampler,
    BucketBatchSampler,
    RandomSampler,
    Sampler,
    SequentialSampler,
    SubsetRandomSampler,
    WeightedRandomSampler,
)
from powertrain.data.scaling import Scaling
from powertrain.data.source import Source, anew, by_rows, evenly_spaced, spaced_examples
from powertrain.data.split import (
    permutation,
    random_split,
    split_labelled,
    split_ordered,
    split_random,
    split_stratified,
)
from powertrain.data.tables import from_frame, read_csv
from powertrain.data.tar_dataset import TarDataset
from powertrain.data.text import Vocabulary, Windows
from powertrain.data.transforms import Channel, Flatten, Scale, Standardize, Transformed, untransformed
from powertrain.errors.boundary import export
from powertrain.errors.hints import attributes
from powertrain.io.inputs import max_input_bytes
from powertrain.io.urls import Url, located
from powertrain.plugin.bases import RandomTransform, Transform

__all__ = [
    "IMG_EXTENSIONS",
    "ArrayDataset",
    "ArrowDataset",
    "Batch",
    "BatchSampler",
    "BucketBatchSampler",
    "Cached",
    "Channel",
    "ClassFolders",
    "ConcatDataset",
    "DataError",
    "DataFileError",
    "DataLoader",
    "DataModule",
    "Dataset",
    "DatasetFolder",
    "Draw",
    "Flatten",
    "ImageFolder",
    "InputFile",
    "IterableDataset",
    "Mapped",
    "PaddedCollate",
    "ParquetDataset",
    "RandomSampler",
    "RandomTransform",
    "RawTable",
    "Sampler",
    "Scale",
    "Scaling",
    "SequentialSampler",
    "Source",
    "Standardize",
    "Subset",
    "SubsetRandomSampler",
    "TarDataset",
    "TensorDataset",
    "Transform",
    "Transformed",
    "Url",
    "Vocabulary",
    "WeightedRandomSampler",
    "Windows",
    "anew",
    "by_rows",
    "class_folders",
    "class_numbers",
    "collate",
    "data_folders",
    "evenly_spaced",
    "find_files",
    "from_frame",
    "identities",
    "kept_parts",
    "located",
    "max_input_bytes",
    "open_file",
    "permutation",
    "random_split",
    "read_arrays",
    "read_bytes",
    "read_csv",
    "read_idx",
    "read_image",
    "read_images",
    "read_r_table",
    "read_text",
    "spaced_examples",
    "split_labelled",
    "split_ordered",
    "split_random",
    "split_stratified",
    "untransformed",
    "upright",
]

export(globals())
__getattr__, __dir__ = attributes(__name__, __all__)
