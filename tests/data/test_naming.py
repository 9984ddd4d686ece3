"""The names of examples, through everything that stands before a data set."""

from __future__ import annotations

from pathlib import Path

import numpy as np

import powertrain as pt
from powertrain.data.naming import example_names
from powertrain.data.pairs import Pairs, WithWeights


class Named(pt.data.ArrayDataset):
    def example_names(self, indices: np.ndarray) -> list[str]:  # type: ignore[type-arg]
        return [f"{at}.png" for at in indices]


def test_names_follow_the_rows_through_parts_transforms_and_weights() -> None:
    named = Named(x=np.ones((10, 2), np.float32), y=np.arange(10) % 2)
    part = pt.data.Subset(pt.data.Subset(named, [9, 8, 7, 6]), [3, 0])
    source = pt.data.Transformed(WithWeights(part, np.ones(2, np.float32)), [pt.data.Scale(2.0)])
    assert example_names(source, np.array([1, 0])) == ["9.png", "6.png"]
    assert example_names(pt.data.ArrayDataset(x=np.ones((3, 2))), np.array([0])) == ()


def test_files_in_class_folders_are_named_from_the_folder_on(tmp_path: Path) -> None:
    for name in ("a/1.txt", "b/below/2.txt"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text("1")
    files = pt.data.DatasetFolder(tmp_path, lambda path: np.float32(Path(path).read_text()), (".txt",))
    assert example_names(Pairs(files), np.array([1, 0])) == ["b/below/2.txt", "a/1.txt"]
