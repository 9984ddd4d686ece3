"""Batches that are chosen and scaled in one pass have the bits of NumPy's arithmetic, one operation after the other."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain import _core
from powertrain.data.order import Cursor
from powertrain.data.pairs import WithWeights
from powertrain.data.transforms import Transformed

Array = Any
RNG = np.random.default_rng(0)


def table(kind: str, shape: tuple[int, ...]) -> Array:
    if kind == "bytes":
        return RNG.integers(0, 256, shape, dtype=np.uint8)
    made = RNG.normal(size=shape).astype(np.float32) * np.float32(10.0) ** RNG.integers(-42, 30, shape).astype(
        np.float32
    )
    made.reshape(-1)[::7] = -0.0
    return made


def by_numpy(x: Array, subtract: Array, multiply: Array, add: Array) -> Array:
    with np.errstate(all="ignore"):
        return (x.astype(np.float32) - np.float32(subtract)) * np.float32(multiply) + np.float32(add)


@pytest.mark.parametrize("kind", ["bytes", "float32"])
@pytest.mark.parametrize("shape", [(5, 3), (40, 1), (9, 28, 28), (3, 2000), (2, 1025), (7,)], ids=str)
@pytest.mark.parametrize("numbers", ["one", "each", "mixed"])
def test_rows_have_numpys_bits(kind: str, shape: tuple[int, ...], numbers: str) -> None:
    x, row = table(kind, shape), shape[1:]
    wide = RNG.normal(size=row).astype(np.float32)
    kinds: dict[str, tuple[Any, Any, Any]] = {
        "one": (72.9, 1 / 90, -0.5),
        "each": (wide, wide * 3, -wide),
        "mixed": (0.25, wide, 1e-30),
    }
    a, b, c = kinds[numbers]
    rows = RNG.integers(-len(x), len(x), 4 * len(x))
    made = pt.data.Scaling(a, b, c).rows(x, rows)
    assert made is not None
    assert made.dtype == np.float32
    assert made.tobytes() == by_numpy(x[rows], a, b, c).tobytes()


def test_what_it_leaves_as_it_is_keeps_its_sign() -> None:
    x = np.array([[-0.0, 0.0, 1e-45]], np.float32)
    assert pt.data.Scaling().rows(x, np.array([0])).tobytes() == x.tobytes()  # type: ignore[union-attr]


def test_no_row_gives_an_empty_batch() -> None:
    made = pt.data.Scaling().rows(np.ones((3, 2), np.uint8), np.array([], np.int64))
    assert made is not None
    assert made.shape == (0, 2)


@pytest.mark.parametrize(
    "given",
    [np.ones((3, 4))[:, ::2], np.ones((3, 2)), np.ones((3, 2), np.int64), np.ones((3, 2), bool), [[1.0, 2.0]], None],
    ids=["spaced", "float64", "int64", "bool", "list", "missing"],
)
def test_other_arrays_are_left_to_numpy(given: Any) -> None:
    assert pt.data.Scaling().rows(given, np.array([0])) is None


def test_a_shape_that_does_not_fit_is_left_to_numpy() -> None:
    assert pt.data.Scaling(np.ones(3)).rows(np.ones((3, 2), np.float32), np.array([0])) is None
    assert pt.data.Scaling().rows(np.ones((3, 0), np.float32), np.array([0])) is not None


@pytest.mark.parametrize("row", [3, -4, 1 << 40])
def test_a_row_that_is_not_there_is_an_error_before_anything_is_read(row: int) -> None:
    with pytest.raises(IndexError, match=rf"\[Scaling.rows\] row {row} of 3 rows; expected"):
        pt.data.Scaling().rows(np.ones((3, 2), np.float32), np.array([0, row]))


@pytest.mark.parametrize(
    "wrong",
    [
        {"table": np.ones((3, 4), np.float32)[:, ::2]},
        {"table": np.ones((3, 2))},
        {"table": np.float32(1)},
        {"rows": np.array([0.0])},
        {"rows": np.array([0], np.int32)},
        {"numbers": np.zeros((2, 1), np.float32)},
        {"numbers": np.zeros((3, 0), np.float32)},
        {"out": np.zeros((1, 3), np.float32)},
        {"out": np.zeros((1, 2))},
    ],
    ids=lambda wrong: f"{next(iter(wrong))} {next(iter(wrong.values())).dtype}",
)
def test_the_engine_refuses_arrays_of_other_forms(wrong: dict[str, Any]) -> None:
    right: dict[str, Any] = {
        "table": np.ones((3, 2), np.float32), "rows": np.array([0]), "numbers": np.zeros((3, 1), np.float32),
        "out": np.zeros((1, 2), np.float32), "parallel": False,
    }  # fmt: skip
    _core.scaled_rows(**right)
    with pytest.raises(ValueError, match=r"\[scaled_rows\] arrays of other dtypes or sizes; expected"):
        _core.scaled_rows(**{**right, **wrong})


def plain(transforms: list[Any], fields: dict[str, Array], rows: Array) -> Array:
    x = fields["x"][rows]
    for one in transforms:
        x = one(x)
    return x


@pytest.mark.parametrize("kind", ["bytes", "float32"])
@pytest.mark.parametrize("per_feature", [False, True])
def test_a_transformed_data_set_gives_what_its_transforms_give(kind: str, per_feature: bool) -> None:
    fields = {"x": table(kind, (60, 8, 8)).astype(np.uint8 if kind == "bytes" else np.float32), "y": np.arange(60)}
    fields["x"] = np.clip(fields["x"], 0, 100)
    source = pt.data.Subset(pt.data.ArrayDataset(fields), np.arange(59, 9, -1))
    standardize = pt.data.Standardize.build(pt.data.Standardize.Params(per_feature=per_feature), fields["x"])
    rows = RNG.integers(0, 50, 33)
    for transforms in (
        [standardize, pt.data.Flatten()],
        [pt.data.Scale(1 / 16)],
        [pt.data.Scale(2.0, 0.5), standardize],
    ):
        one = Transformed(WithWeights(source, np.arange(50, dtype=np.float32)), transforms)
        expected = plain(transforms, fields, np.arange(59, 9, -1)[rows])
        for made in (one.fetch(rows), one.fetch_changed(rows, 0, Cursor(0, 0))):
            assert list(made) == ["x", "y", "weight"]
            assert made["x"].tobytes() == expected.tobytes()
            assert made["y"].tolist() == np.arange(59, 9, -1)[rows].tolist()
            assert made["weight"].tolist() == rows.tolist()


def test_what_is_restored_is_what_scales() -> None:
    x = table("bytes", (10, 4))
    one = pt.data.Standardize(np.zeros(4), np.ones(4))
    data = Transformed(pt.data.ArrayDataset(x=x), [one])
    assert data.fetch(np.array([3]))["x"].tolist() == x[[3]].tolist()
    one.restore({"mean": np.full(4, 2.0), "std": np.full(4, 4.0)})
    assert data.fetch(np.array([3]))["x"].tolist() == ((x[[3]] - 2.0) / 4).tolist()


def test_what_cannot_be_scaled_so_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    inner = pt.data.Scaling.rows

    def noted(self: Any, *given: Any) -> Any:
        asked.append(given)
        return inner(self, *given)

    monkeypatch.setattr(pt.data.Scaling, "rows", noted)
    x = RNG.normal(size=(6, 3))
    source = Transformed(pt.data.ArrayDataset(x=x), [pt.data.Scale(0.5)])
    rows = np.array([4, 1])
    for _ in range(3):
        assert np.array_equal(source.fetch(rows)["x"], (x[rows] * np.float32(0.5)).astype(np.float32))
    assert len(asked) == 1


def test_rows_of_another_dtype_decide_for_themselves_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    inner = pt.data.Scaling.rows

    def noted(self: Any, *given: Any) -> Any:
        found.append(inner(self, *given))
        return found[-1]

    monkeypatch.setattr(pt.data.Scaling, "rows", noted)
    source = Transformed(pt.data.ArrayDataset(x=np.ones((6, 3), np.float32)), [pt.data.Scale(0.5)])
    for dtype in (np.int32, np.int64):
        assert source.fetch(np.array([4, 1], dtype))["x"].tolist() == [[0.5] * 3] * 2
    assert [one is None for one in found] == [True, False]
