"""The examples in the docstrings of the Python packages run as they stand."""

from __future__ import annotations

import doctest
import importlib
import importlib.util
import pkgutil

import numpy as np
import pytest

import powertrain as pt

TRAINER = ("train.fitting", "train.trained")
PACKAGES = ("nn", "optim", "data", "metrics", "models")
if importlib.util.find_spec("sklearn"):  # an extra
    PACKAGES = (*PACKAGES, "estimators")
TOP = (
    "arrangement", "assignment", "autograd", "closeness", "compile", "control", "counting", "creation", "functional",
    "grids", "linalg", "linear_algebra", "losses", "matrix_products", "padding", "pointwise", "precision", "products",
    "quantiles", "random", "sampled", "searching", "slots", "statistics", "tensor", "transforms", *TRAINER,
)  # fmt: skip
MODULES = ["powertrain", *(f"powertrain.{name}" for name in TOP)] + [
    f"powertrain.{package}.{module.name}"
    for package in PACKAGES
    for module in pkgutil.iter_modules(importlib.import_module(f"powertrain.{package}").__path__)
]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str) -> None:
    found = doctest.testmod(importlib.import_module(name), extraglobs={"pt": pt, "np": np})
    assert found.failed == 0
