"""A few examples of each class keep their labels; the others become a part without."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from powertrain.data import ArrayDataset, DataError, DataModule, identities, split_labelled
from powertrain.data.source import whole


def test_split_labelled_takes_as_many_of_each_class() -> None:
    labels = np.repeat([0, 1, 2], [600, 300, 100])
    parts = split_labelled(labels, 7, 3, seed=1)
    assert np.bincount(labels[parts["train"]]).tolist() == [7, 7, 7]
    assert sorted(np.concatenate([parts["train"], parts["unlabelled"]]).tolist()) == list(range(1000))
    assert (parts["train"] == split_labelled(labels, 7, 3, seed=1)["train"]).all()
    assert (parts["train"] != split_labelled(labels, 7, 3, seed=2)["train"]).any()
    for count, classes, message in (
        (101, 3, "[split] labelled = 101, and 100 training examples of class 2; expected 101 or more of each class; "
                 "lower labelled or add examples"),
        (1, 4, "[split] labelled = 1, and 0 training examples of class 3; expected 1 or more of each class; lower "
               "labelled or add examples"),
    ):  # fmt: skip
        with pytest.raises(DataError) as caught:
            split_labelled(labels, count, classes)
        assert str(caught.value) == message
    with pytest.raises(DataError, match=r"labelled = 2 of each class, which is all 4 training examples; expected some"):
        split_labelled(np.array([0, 0, 1, 1]), 2, 2)


def test_few_labels_are_of_a_task_with_classes_and_stay_where_data_grows() -> None:
    numbers = ArrayDataset(x=np.arange(20.0)[:, None], y=np.arange(20.0))
    with pytest.raises(DataError, match=r"\[split\] labelled on a regression task; expected classes"):
        DataModule("numbers", "regression", {"train": numbers}, 1).few_labels(2)
    x, y = np.arange(60, dtype=np.float32)[:, None], np.arange(60) % 3
    data = DataModule("rows", "classification", {"train": ArrayDataset(x=x[:40], y=y[:40])}, 3)
    few = data.few_labels(4, seed=5)
    with pytest.raises(DataError, match="which has its own unlabelled examples"):
        few.few_labels(4)
    known = {name: identities(part) for name, part in few.splits.items()}
    grown = dataclasses.replace(data, splits={"train": ArrayDataset(x=x, y=y)}).few_labels(4, seed=5, known=known)
    assert (whole(grown.train, "x") == whole(few.train, "x")).all() and len(grown.splits["unlabelled"]) == 48
