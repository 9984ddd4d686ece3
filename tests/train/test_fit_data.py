"""What pt.fit makes of data: examples that are read when asked for, weights of examples and of classes, other names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain.data import ArrayDataset, DataError, DataLoader, DataModule, Dataset, IterableDataset, random_split
from powertrain.train.folder.run_folder import RunError

PLAIN = {"report": {"baseline": False}, "verbose": False, "epochs": 2, "batch_size": 8, "lr": 0.05}


def model() -> Any:
    return pt.nn.Linear(3, 3, generator=pt.random.Generator(4))


def rows(count: int = 32) -> tuple[Any, Any]:
    chance = np.random.default_rng(1)
    return chance.normal(size=(count, 3)), chance.integers(0, 3, count)


def weights(run: Any) -> list[bytes]:
    return [value.tobytes() for value in run.model.state_dict().values()]


class Rows(Dataset):
    """Examples one by one; `asked` are the calls."""

    classes = ("a", "b", "c")

    def __init__(self, noise: float = 0.0) -> None:
        self.x, self.y = rows()
        self.noise, self.asked = noise, 0

    def __len__(self) -> int:
        return len(self.y)

    def __getitem__(self, index: int) -> Any:
        self.asked += 1
        noise = self.noise * np.asarray(pt.rand((3,))) if self.noise else 0
        return self.x[index] + noise, int(self.y[index])


def test_examples_one_by_one_train_to_the_bits_of_arrays_and_are_read_each_time() -> None:
    data = Rows()
    run = pt.fit(model=model(), data=data, **PLAIN)
    assert weights(run) == weights(pt.fit(model=model(), data=rows(), **PLAIN))
    assert run.run.dataset.labels == ("a", "b", "c") and data.asked > 2 * len(data)
    (whole,) = random_split(data, [1.0])
    assert pt.fit(model=model(), data=whole, **PLAIN).run.dataset.labels == ("a", "b", "c")
    assert run.evaluate(data) == run.evaluate(rows())


@pytest.mark.parametrize("features", [[], [{"use": "standardize"}]])
def test_random_examples_differ_between_epochs_and_not_between_runs(features: Any, tmp_path: Path) -> None:
    def fit(**settings: Any) -> list[bytes]:
        return weights(pt.fit(model=model(), data=Rows(0.5), features=features, **{**PLAIN, **settings}))

    once = fit()
    assert once == fit() == fit(run={"num_workers": 2}) != fit(seed=1)
    pt.fit(model=model(), data=Rows(0.5), features=features, folder=tmp_path / "a", **{**PLAIN, "epochs": 1})
    frozen = Rows(0.5)
    (batch,) = DataLoader(frozen, 32)
    assert weights(pt.fit(model=model(), data=(batch.x, batch.y), features=features, **PLAIN)) != once


def test_validation_by_a_data_set() -> None:
    train, valid = random_split(Rows(), [24, 8], seed=1)
    run = pt.fit(model=model(), data=train, validation=valid, **PLAIN)
    assert len(run.run.dataset.splits["valid"]) == 8 and "accuracy" in run.evaluate("valid")


def test_a_sample_weight_is_a_field_weight() -> None:
    x, y = rows()
    weight = np.arange(32) % 4
    by_name = weights(pt.fit(model=model(), data=(x, y), sample_weight=weight.tolist(), **PLAIN))
    fields = ArrayDataset(x=x.astype(np.float32), y=y, weight=weight)
    assert by_name == weights(pt.fit(model=model(), data=fields, **PLAIN)), "a data set's own weight counts too"
    module = DataModule("m", "classification", {"train": ArrayDataset(x=x.astype(np.float32), y=y)}, 3)
    assert by_name == weights(pt.fit(model=model(), data=module, sample_weight=weight, **PLAIN))
    assert by_name == weights(pt.fit(model=model(), data=DataLoader(Rows(), 8), sample_weight=weight, **PLAIN))
    assert by_name != weights(pt.fit(model=model(), data=(x, y), **PLAIN))
    half = pt.fit(model=model(), data=(x, y), sample_weight=weight, validation=0.25, **PLAIN)
    assert "weight" in half.run.dataset.splits["valid"].fetch(np.arange(3))


def test_a_class_weight_is_the_weight_of_each_example_in_training_alone() -> None:
    x, y = rows()
    given = {0: 1, 1: 5, 2: 0.5}
    by_class = pt.fit(model=model(), data=(x, y), class_weight=given, **PLAIN)
    each = np.array([1, 5, 0.5])[y]
    assert weights(by_class) == weights(pt.fit(model=model(), data=(x, y), sample_weight=each, **PLAIN))
    for same in ([1, 5, 0.5], {np.int64(1): 5, "2": 0.5}, np.array([1, 5, 0.5])):
        assert weights(pt.fit(model=model(), data=(x, y), class_weight=same, **PLAIN)) == weights(by_class)
    assert weights(pt.fit(model=model(), data=Rows(), class_weight={"b": 5, "c": 0.5}, **PLAIN)) == weights(by_class)
    output = by_class.predict(x).outputs
    assert by_class.evaluate()["train"]["accuracy"] == pytest.approx((output.argmax(axis=1) == y).mean())
    twice = pt.fit(model=model(), data=(x, y), class_weight=given, sample_weight=np.arange(32.0), **PLAIN)
    assert weights(twice) == weights(pt.fit(model=model(), data=(x, y), sample_weight=each * np.arange(32), **PLAIN))


def test_balanced_classes_count_alike() -> None:
    x, y = rows()
    run = pt.fit(model=model(), data=(x, y), class_weight="balanced", **PLAIN)
    balanced = run.run.dataset.class_weight
    assert balanced is not None and np.allclose(balanced, 32 / (3 * np.bincount(y)))
    lazy = pt.fit(model=model(), data=Rows(), class_weight="balanced", **PLAIN)
    assert weights(lazy) == weights(run)


class Endless(IterableDataset):
    def __iter__(self) -> Any:
        while True:
            yield np.zeros(3, np.float32), 1


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"sample_weight": np.ones(31)}, "[sample_weight] float64[31]; expected 32 numbers, one for each training "
                                         "example; pass an array as long as y"),
        ({"sample_weight": -np.ones(32)}, "[weight] numbers below 0 or not finite; expected one finite number >= 0 for "
         "each example; give the field another name if it does not hold weights of examples"),
        ({"class_weight": {3: 1}}, "[model] gives [3] for each example of 4 classes, by the labels and class_weight; "
                                   "expected a score for each class; end it with pt.nn.Linear(..., 4)"),
        ({"class_weight": {"c": 1}}, "[class_weight] the class 'c'; expected one of the classes 0, 1, 2; name the "
                                     "classes as y does"),
        ({"class_weight": {0: -1}}, "[class_weight 0] the weight -1; expected a finite number >= 0; 1 is usual"),
        ({"class_weight": "auto"}, "[class_weight] 'auto'; expected a dict, 3 numbers, one a class, or \"balanced\"; "
                                   "for example class_weight={0: 1, 1: 5}"),
        ({"class_weight": [1, 2]}, "[class_weight] list[2]; expected a dict, 3 numbers, one a class, or \"balanced\"; "
                                   "for example class_weight={0: 1, 1: 5}"),
        ({"class_weight": {0: 1}, "data": (np.ones((4, 3)), np.ones(4))},
         "[class_weight] weights of classes for a regression task; expected classes; leave it out"),
        ({"class_weight": {0: 1}, "data": DataModule("drops", "classification", {"train": Endless()}, 3)},
         "[class_weight] weights for drops, a stream; expected examples that have a length; give each example a field "
         "weight"),
        ({"data": [1.0, 2.0, 3.0]}, "[train] a list of 3; expected (x, y), a pt.data.Dataset or a stream of "
                                    "pairs, a loader or a DataModule; pass inputs and targets"),
        ({"data": Rows(), "validation": (np.ones((2, 3)), np.array([0, 7]))},
         "[valid] label 7 in row 1; expected labels from 0 to 2; encode the classes as 0, 1, 2, ... or give the right "
         "number of classes"),
    ],
)  # fmt: skip
def test_weights_and_data_that_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises((DataError, pt.ShapeError)) as caught:
        pt.fit(model=model(), **{"data": rows(), **PLAIN, **settings})
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"validation_data": rows()}, "[fit] received validation_data; expected validation; write pt.fit(..., "
                                      "validation=(x, y))"),
        ({"validation_split": 0.2}, "[fit] received validation_split; expected validation; write pt.fit(..., "
                                    "validation=0.2)"),
        ({"learning_rate": 0.2}, "[fit] received learning_rate; expected lr; write pt.fit(..., lr=1e-3)"),
        *(({name: value}, f"[fit] received {name}; expected optimizer; write "
           f'pt.fit(..., optimizer={{"use": "adamw", "lr": 1e-3, {ours}}})')
          for name, value, ours in (("lr_scheduler", "cosine", '"schedule": "cosine"'), ("clip", 1.0, '"clip": 1.0'),
                                    ("accumulate_grad_batches", 4, '"accumulate": 4'))),
        ({"data": "digits", "sample_weight": [1]}, "[fit] received weights for data by name; expected data as arrays "
         "or a data set; pass data=(x, y), or give the data a field weight"),
        ({"data": None, "recipe": "digits", "class_weight": {0: 1}}, "[fit] received weights for the data of a recipe; "
         "expected data as arrays or a data set; pass data=(x, y), or give the data a field weight"),
    ],
)  # fmt: skip
def test_names_of_other_libraries_and_places_without_weights(settings: dict[str, Any], message: str) -> None:
    given = {"model": model(), "data": rows(), **PLAIN, **settings}
    with pytest.raises(RunError) as caught:
        pt.fit(given.pop("recipe", None), **given)
    assert str(caught.value) == message


def test_a_model_with_too_few_outputs_is_refused() -> None:
    x, y = rows()
    with pytest.raises(pt.ShapeError) as caught:
        pt.fit(model=pt.nn.Linear(x.shape[1], 1), data=(x, y), **PLAIN)
    count = y.max() + 1
    assert str(caught.value) == (
        f"[model] gives [1] for each example of {count} classes; expected a score for each class; end it with "
        f"pt.nn.Linear(..., {count})"
    )


def test_whole_numbers_in_a_column_are_refused_where_they_may_be_classes() -> None:
    x, y = rows()
    with pytest.raises(DataError) as caught:
        pt.fit(model=model(), data=(x, y[:, None]), **PLAIN)
    assert str(caught.value) == (
        "[data] y of int64[32, 1]; expected classes as whole numbers [32], or numbers to predict as floats; pass "
        'y[:, 0] for classes; y.astype("float32"), or loss="mse", for numbers'
    )
    one = pt.nn.Linear(3, 1)
    for data, loss in (((x, y[:, None]), "mse"), ((x, y[:, None].astype("float32")), None)):
        assert "mse" in pt.fit(model=one, data=data, loss=loss, **PLAIN).evaluate()["train"]


def test_rows_of_one_1_are_refused_where_they_may_be_classes() -> None:
    """As Keras' to_categorical makes them: silently, a regression was trained."""
    x, y = rows()
    hot = np.eye(int(y.max()) + 1, dtype=np.float32)[y]
    with pytest.raises(DataError) as caught:
        pt.fit(model=model(), data=(x, hot), **PLAIN)
    assert str(caught.value) == (
        "[data] y of float32[32, 3], one 1 in each row and zeros; expected classes as whole numbers [32], or numbers "
        'to predict; pass y.argmax(axis=1) for classes; loss="mse" for numbers'
    )
    shares = 0.5 * hot + 0.1
    for targets, loss in ((hot, "mse"), (shares, None)):
        assert "mse" in pt.fit(model=model(), data=(x, targets), loss=loss, **PLAIN).evaluate()["train"]


def test_several_inputs_are_told_where_to_go() -> None:
    x, y = rows()
    with pytest.raises(DataError) as caught:
        pt.fit(model=model(), data=((x, x[:, :2]), y), **PLAIN)
    assert str(caught.value) == (
        "[train x] arrays of shapes [32, 3], [32, 2]; expected one array, with a row for each example; join them by "
        "numpy.concatenate([...], axis=1), or train a model of several inputs in a loop of your own, as "
        "docs/guides/training-loop.md#several-inputs shows"
    )
