"""Data: what is refused and in which words, orders, splits, transforms, text and files."""

from __future__ import annotations

import bz2
import gzip
import lzma
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from powertrain.builtin.data import Arrays, Austen, Digits, FashionMnist, Text
from powertrain.data import (
    ArrayDataset,
    Channel,
    DataError,
    DataModule,
    Flatten,
    Mapped,
    Scale,
    Standardize,
    Subset,
    Vocabulary,
    Windows,
    split_ordered,
    split_random,
    split_stratified,
)
from powertrain.data.formats import read_idx
from powertrain.data.order import permutation, raw_bits
from powertrain.data.rdata import read_r_table, read_texts
from powertrain.data.source import check_labels, whole
from powertrain.plugin.params import NoParams
from r_data import RWriter, frame_of, write_index, write_lazy, written


def source(count: int = 23) -> ArrayDataset:
    return ArrayDataset(x=np.arange(count, dtype=np.float32)[:, None], y=np.arange(count) % 3)


# ---------------------------------------------------------------- sources


def test_array_source_gives_rows_in_the_order_asked() -> None:
    fields = source().fetch(np.array([4, 0, 4]))
    assert fields["x"].tolist() == [[4], [0], [4]] and fields["y"].tolist() == [1, 0, 1]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, "[arrays] no array; expected at least one; pass x=array, y=array"),
        (
            {"x": np.zeros((0, 2))},
            "[arrays] no example; expected at least one row; check the file or the filter",
        ),
        (
            {"x": np.zeros((3, 2)), "y": np.zeros(4)},
            "[arrays] fields of different lengths: x 3, y 4; expected as many rows in each; "
            "check how the arrays were made",
        ),
        (
            {"x": np.array([[1.0, 2.0], [3.0, np.nan]])},
            "[arrays x] NaN in row 1; expected finite numbers; remove those rows or fill the gaps first",
        ),
        (
            {"x": np.array([np.inf])},
            "[arrays x] infinity in row 0; expected finite numbers; remove those rows or fill the gaps first",
        ),
        (
            {"x": np.array(["a"])},
            "[arrays x] dtype <U1, shape [1]; expected an array of numbers with one row per example; "
            "convert the field to numbers first",
        ),
    ],
)
def test_array_source_refuses(fields: dict[str, np.ndarray], message: str) -> None:
    with pytest.raises(DataError) as caught:
        ArrayDataset(fields)
    assert str(caught.value) == message


def test_a_nan_far_into_a_large_array_is_found() -> None:
    x = np.zeros((600_000, 8), dtype=np.float32)
    x[543_210, 7] = np.nan
    with pytest.raises(DataError, match=r"NaN in row 543210"):
        ArrayDataset(x=x)


def test_labels_out_of_range_are_named() -> None:
    with pytest.raises(DataError) as caught:
        check_labels(np.array([0, 2, 5]), 3, "shop labels")
    assert str(caught.value) == (
        "[shop labels] label 5 in row 2; expected labels from 0 to 2; "
        "encode the classes as 0, 1, 2, ... or give the right number of classes"
    )
    with pytest.raises(DataError, match=r"label -1 in row 1"):
        check_labels(np.array([0, -1]), None, "labels")
    with pytest.raises(DataError, match=r"labels of dtype float64"):
        check_labels(np.array([0.5]), None, "labels")
    assert check_labels(np.array([0, 4]), None, "labels") == 5


def test_subset_and_mapped() -> None:
    part = Subset(source(), [5, 3])
    assert len(part) == 2 and whole(part, "x").ravel().tolist() == [5, 3]
    doubled = Mapped(part, lambda fields: {**fields, "x": fields["x"] * 2})
    assert doubled.fetch(np.array([1]))["x"].tolist() == [[6]]
    with pytest.raises(DataError, match=r"\[subset\] rows 0 to 23; expected rows from 0 to 22"):
        Subset(source(), [0, 23])
    with pytest.raises(DataError, match="no field 'z'; expected one of x, y"):
        whole(part, "z")


# ---------------------------------------------------------------- order and splits


def test_random_bits_are_pinned() -> None:
    """A run resumes on another machine only if these never change."""
    assert raw_bits(7, 1, 2, 3).tolist() == [17835452263025703421, 8328343615031762455, 877633570629470668]
    assert permutation(8, 7, 1, 2).tolist() == [2, 3, 7, 1, 5, 6, 4, 0]


def test_permutations_are_uniform() -> None:
    counts = np.zeros((5, 5))
    for call in range(2000):
        counts[np.arange(5), permutation(5, 0, 1, call)] += 1
    # Chi-square with 16 degrees of freedom passes 39 once in a thousand.
    assert (np.square(counts - 400) / 400).sum() < 39


def test_split_random_is_a_partition_and_depends_on_the_seed() -> None:
    parts = split_random(100, {"valid": 0.1, "test": 0.25}, seed=3)
    assert {name: len(part) for name, part in parts.items()} == {"train": 65, "valid": 10, "test": 25}
    assert sorted(np.concatenate(list(parts.values())).tolist()) == list(range(100))
    again, other = split_random(100, {"valid": 0.1, "test": 0.25}, seed=3), split_random(100, {"test": 0.25}, seed=4)
    assert all((parts[name] == again[name]).all() for name in parts)
    assert parts["test"].tolist() != other["test"].tolist()


def test_split_stratified_keeps_proportions_and_sizes() -> None:
    labels = np.repeat([0, 1, 2], [600, 300, 100])
    parts = split_stratified(labels, {"valid": 0.1, "test": 0.2}, seed=1)
    assert {name: len(part) for name, part in parts.items()} == {"train": 700, "valid": 100, "test": 200}
    assert np.bincount(labels[parts["test"]]).tolist() == [120, 60, 20]
    assert np.bincount(labels[parts["valid"]]).tolist() == [60, 30, 10]
    assert sorted(np.concatenate(list(parts.values())).tolist()) == list(range(1000))
    assert not (np.diff(parts["test"]) == 1).all(), "the rows of a class must be drawn, not the first ones"


def test_split_ordered_keeps_the_order() -> None:
    parts = split_ordered(10, {"valid": 0.2, "test": 0.1})
    assert [parts[name].tolist() for name in ("train", "valid", "test")] == [[0, 1, 2, 3, 4, 5, 6], [7, 8], [9]]


@pytest.mark.parametrize(
    ("count", "parts", "message"),
    [
        (10, {"test": 0.0}, "[split] test = 0; expected a share above 0 and below 1; 0.1 is usual"),
        (
            10,
            {"valid": 0.5, "test": 0.5},
            "[split] valid + test = 1; expected shares that leave examples to train on; lower them",
        ),
        (2, {"valid": 0.1, "test": 0.1}, "[split] 2 examples for 3 parts; expected one for each; add more data"),
    ],
)
def test_split_refuses(count: int, parts: dict[str, float], message: str) -> None:
    with pytest.raises(DataError) as caught:
        split_random(count, parts)
    assert str(caught.value) == message


@pytest.mark.parametrize("parts", [range(10**18), 0.1, ["test"]])
def test_shares_have_names(parts: Any) -> None:
    for split in (Digits.build(NoParams(), Path()).split, lambda parts: split_random(10, parts)):
        with pytest.raises(DataError, match="expected the share of each part by its name; write"):
            split(parts)


# ---------------------------------------------------------------- transforms


def test_scale_and_channel_and_flatten() -> None:
    x = np.array([[[0, 8], [16, 4]]], dtype=np.uint8)
    scaled = Scale.build(Scale.Params(by=0.0625, shift=-1), x)(x)
    assert scaled.dtype == np.float32 and scaled.tolist() == [[[-1, -0.5], [0, -0.75]]]
    assert Channel.build(None, x)(x).shape == (1, 2, 2, 1)
    assert Flatten.build(None, x)(x).tolist() == [[0, 8, 16, 4]]
    with pytest.raises(DataError, match=r"\[channel\] examples of shape \[2, 2, 3\]; expected grey images"):
        Channel.build(None, np.zeros((1, 2, 2, 3)))


def test_standardize_keeps_its_digits_far_from_zero() -> None:
    """mean^2 is 1e10 times the variance; one pass of sum and sum of squares in f32 would give noise."""
    x = (1e5 + np.random.default_rng(0).normal(0, 1, (5000, 3))).astype(np.float32)
    made = Standardize.build(Standardize.Params(), x)
    assert np.abs(made.std - x.astype(np.float64).std(axis=0)).max() < 1e-6
    out = made(x)
    assert np.abs(out.mean(axis=0)).max() < 0.01 and np.abs(out.std(axis=0) - 1).max() < 1e-3


def test_standardize_of_the_whole_array_and_of_a_constant() -> None:
    x = np.array([[0, 2], [4, 2]], dtype=np.uint8)
    assert Standardize.build(Standardize.Params(per_feature=False), x).mean.shape == ()
    assert Standardize.build(Standardize.Params(), x)(x).tolist() == [[-1, 0], [1, 0]]


def test_standardize_state_goes_round() -> None:
    x = np.random.default_rng(0).normal(3, 2, (50, 4)).astype(np.float32)
    made, other = Standardize.build(Standardize.Params(), x), Standardize(np.zeros(4), np.ones(4))
    other.restore(made.state())
    assert (other(x) == made(x)).all()
    with pytest.raises(DataError, match=r"\[standardize\] state mean \[3\]; expected mean and std of shape \[4\]"):
        other.restore({"mean": np.zeros(3)})


def test_dataset_fits_transforms_on_the_training_split_alone() -> None:
    x = np.concatenate([np.zeros((80, 1)), np.full((20, 1), 100.0)]).astype(np.float32)
    data = DataModule("d", "regression", {"train": ArrayDataset(x=x, y=x[:, 0])}, 1).split({"test": 0.2}, ordered=True)
    made = data.transformed([(Standardize, Standardize.Params())])
    assert made.transforms[0].state()["mean"].tolist() == [0]
    assert whole(made.splits["test"], "x").max() == 100
    assert made.inputs().shape == (1,) and made.inputs().dtype == "float32"


def test_dataset_refuses_a_second_test_split() -> None:
    data = DataModule("d", "regression", {"train": source(), "test": source()}, 1)
    with pytest.raises(DataError) as caught:
        data.split({"test": 0.2})
    assert str(caught.value) == (
        "[split] test = 0.2 of d, which has its own test part; expected a part that the data lacks; leave test "
        "out of the split"
    )
    with pytest.raises(DataError, match=r"\[split\] stratify on a regression task; expected classes"):
        data.split({"valid": 0.2}, stratify=True)


# ---------------------------------------------------------------- text


def test_vocabulary_goes_round_and_maps_unknown_characters_to_zero() -> None:
    made = Vocabulary.fit("naïve \N{GRINNING FACE} text")
    assert made.decode(made.encode("next \N{GRINNING FACE}")) == "next \N{GRINNING FACE}"
    assert made.encode("z")[0] == 0 and made.decode(np.array([0])) == "\N{REPLACEMENT CHARACTER}"
    again = Vocabulary.from_state(made.state())
    assert again.characters == made.characters and len(made) == len(set("naïve \N{GRINNING FACE} text")) + 1
    with pytest.raises(DataError, match=r"\[vocabulary\] tokens from 99 to 99; expected 0 to 9"):
        made.decode(np.array([99]))


def test_windows_are_contiguous_and_shifted() -> None:
    windows = Windows(np.arange(10), context=4)
    assert len(windows) == 6
    fields = windows.fetch(np.array([5, 0]))
    assert fields["x"].tolist() == [[5, 6, 7, 8], [0, 1, 2, 3]]
    assert fields["y"].tolist() == [[6, 7, 8, 9], [1, 2, 3, 4]]
    apart = Windows(np.arange(10), context=4, stride=4)
    assert len(apart) == 2 and apart.fetch(np.array([1]))["x"].tolist() == [[4, 5, 6, 7]]
    with pytest.raises(DataError) as caught:
        Windows(np.arange(4), context=4)
    assert str(caught.value) == ("[windows] 4 tokens for context = 4; expected at least 5; add text or lower context")


def test_text_fits_its_vocabulary_on_the_training_part(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("abcd" * 20 + "wxyz" * 5, encoding="utf-8")
    data = Text.build(Text.Params(path=Path("a.txt"), context=4, valid=0.2), tmp_path)
    assert data.labels == ("\N{REPLACEMENT CHARACTER}", "a", "b", "c", "d") and data.outputs == 5
    assert not whole(data.splits["valid"], "x").any()
    assert data.inputs().context == 4 and data.inputs().shape == (4,)
    with pytest.raises(DataError, match="windows of a, which overlap; expected the text to be cut before"):
        data.split({"test": 0.1})


def test_text_refuses_what_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "b.txt").write_bytes(b"abc\xff\xfe")
    with pytest.raises(DataError) as caught:
        Text.build(Text.Params(path=Path("b.txt")), tmp_path)
    assert str(caught.value) == (
        "[text b.txt] byte 3 of b.txt is not UTF-8; expected a UTF-8 text; convert it with `iconv -t utf-8`"
    )
    with pytest.raises(DataError, match=r"\[text c.txt\] .*c.txt: No such file or directory; expected a readable file"):
        Text.build(Text.Params(path=Path("c.txt")), tmp_path)
    (tmp_path / "empty.txt").write_bytes(b"")
    with pytest.raises(DataError, match=r"0 characters; expected a text"):
        Text.build(Text.Params(path=Path("empty.txt")), tmp_path)


# ---------------------------------------------------------------- files


def idx(array: np.ndarray) -> bytes:
    shape = b"".join(size.to_bytes(4, "big") for size in array.shape)
    return bytes([0, 0, 8, array.ndim]) + shape + array.astype(np.uint8).tobytes()


def test_idx_goes_round(tmp_path: Path) -> None:
    array = np.arange(24).reshape(2, 3, 4)
    (tmp_path / "a").write_bytes(idx(array))
    (tmp_path / "a.gz").write_bytes(gzip.compress(idx(array)))
    assert (read_idx(tmp_path / "a") == array).all() and (read_idx(tmp_path / "a.gz") == array).all()
    (tmp_path / "i4").write_bytes(bytes([0, 0, 12, 1, 0, 0, 0, 1, 0, 0, 1, 0]))
    assert read_idx(tmp_path / "i4").tolist() == [256]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (idx(np.arange(24).reshape(2, 12))[:-3], "holds 21 bytes of numbers; expected 24 for shape [2, 12]; "),
        (b"\x89PNG....", "begins with 89 50 4e 47; expected the magic number of an idx file, such as 00 00 08 03; "),
        (b"", "begins with nothing; expected the magic number"),
        (b"\0\0\x08\x03\0\0", "begins with 00 00 08 03; expected the magic number"),
    ],
)
def test_idx_refuses(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(DataError) as caught:
        read_idx(tmp_path / "a")
    assert f"[idx] {tmp_path / 'a'} {message}" in str(caught.value)


def test_a_cut_gzip_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.gz").write_bytes(gzip.compress(idx(np.arange(200)))[:-20])
    with pytest.raises(DataError, match="expected a whole gzip file; the file is damaged or cut off; fetch it again"):
        read_idx(tmp_path / "a.gz")


def test_digits_are_carried_along() -> None:
    data = Digits.build(NoParams(), Path())
    x, y = whole(data.train, "x"), whole(data.train, "y")
    assert x.shape == (1797, 8, 8) and x.max() == 16 and int(x.sum(dtype=np.int64)) == 561718
    assert np.bincount(y).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert data.inputs().outputs == 10 and data.labels[3] == "3"


def test_fashion_mnist_reads_a_folder_and_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        FashionMnist.build(FashionMnist.Params(path=Path("no")), tmp_path)
    assert str(caught.value) == (
        f"[fashion-mnist] no train-images-idx3-ubyte.gz in {tmp_path / 'no'}; expected the data set in one of them; "
        "get it with `apt-get install dataset-fashion-mnist`, or set POWERTRAIN_DATA to the folder of the files"
    )
    for stem, array in (("images-idx3", np.zeros((4, 28, 28))), ("labels-idx1", np.arange(4))):
        for split in ("train", "t10k"):
            (tmp_path / f"{split}-{stem}-ubyte.gz").write_bytes(gzip.compress(idx(array)))
    data = FashionMnist.build(FashionMnist.Params(path=Path()), tmp_path)
    assert len(data.splits["test"]) == 4 and data.labels[9] == "ankle boot"
    (tmp_path / "t10k-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx(np.arange(3))))
    with pytest.raises(DataError, match=r"\[fashion-mnist test\] 4 examples and 3 labels; expected as many of each"):
        FashionMnist.build(FashionMnist.Params(path=Path()), tmp_path)
    (tmp_path / "t10k-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx(np.array([0, 1, 2, 10]))))
    with pytest.raises(DataError, match=r"\[fashion-mnist test\] label 10 in row 3; expected labels from 0 to 9"):
        FashionMnist.build(FashionMnist.Params(path=Path()), tmp_path)


def test_arrays_from_npz_and_npy(tmp_path: Path) -> None:
    x, y = np.random.default_rng(0).normal(0, 1, (6, 2)), np.array([0, 1, 2, 0, 1, 2])
    np.savez(tmp_path / "a.npz", x=x, y=y, z=x[:, 0])
    data = Arrays.build(Arrays.Params(path=Path("a.npz")), tmp_path)
    assert data.task == "classification" and data.outputs == 3
    regression = Arrays.build(Arrays.Params(path=Path("a.npz"), y="z"), tmp_path)
    assert regression.task == "regression" and regression.outputs == 1
    np.save(tmp_path / "x.npy", x)
    np.save(tmp_path / "y.npy", y)
    assert len(Arrays.build(Arrays.Params(path=Path("x.npy"), target_path=Path("y.npy")), tmp_path).train) == 6
    with pytest.raises(DataError, match=r"\[arrays a.npz\] no array 'w'; expected one of x, y, z"):
        Arrays.build(Arrays.Params(path=Path("a.npz"), x="w"), tmp_path)


@pytest.mark.parametrize(
    ("x", "y", "said"),
    [
        (np.ones((2, 3)), np.array(["yes", "no"]),
         "[arrays y of a.npz] dtype <U3, shape [2]; expected numbers, one row per example; number the classes of "
         "texts: labels, y = numpy.unique(y, return_inverse=True)"),
        (np.ones((0, 3)), np.ones(0, np.int64),
         "[arrays of a.npz] no example; expected at least one row; check the file or the filter"),
        (np.ones((2, 3)), np.array(1.5),
         "[arrays y of a.npz] dtype float64, shape []; expected numbers, one row per example; number the classes of "
         "texts: labels, y = numpy.unique(y, return_inverse=True)"),
        (np.array(1.0), np.arange(3),
         "[a train of a.npz] a single number of examples and 3 labels; expected as many of each; the files do not "
         "belong together; download them again"),
        (np.ones((2, 3)), np.array([0, 10**12]),
         "[arrays y of a.npz] label 1000000000000 in row 1; expected labels from 0 to 1048575; encode the classes as "
         "0, 1, 2, ... or give the right number of classes"),
        (np.ones((2, 3)), np.array([0.0, 1e300]),
         "[arrays y of a.npz] infinity in row 1; expected finite numbers; remove those rows or fill the gaps first"),
    ],
)  # fmt: skip
def test_arrays_that_nothing_can_be_learned_from(tmp_path: Path, x: np.ndarray, y: np.ndarray, said: str) -> None:
    np.savez(tmp_path / "a.npz", x=x, y=y)
    with pytest.raises(DataError) as caught:
        Arrays.build(Arrays.Params(path=Path("a.npz")), tmp_path)
    assert str(caught.value) == said


def test_no_label_is_no_class() -> None:
    with pytest.raises(DataError, match="no label; expected at least one row; check the file or the filter"):
        check_labels(np.zeros(0, np.int64), 3, "y")


def test_arrays_never_unpickle(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.array([{"a": 1}], dtype=object), y=np.zeros(1, dtype=int))
    with pytest.raises(DataError, match=r"expected a whole .npz or .npy file of plain numbers"):
        Arrays.build(Arrays.Params(path=Path("a.npz")), tmp_path)
    (tmp_path / "text.npz").write_text("hello")
    with pytest.raises(DataError, match=r"text.npz: it begins with 68 65 6c 6c 6f; expected a whole .npz or .npy file"):
        Arrays.build(Arrays.Params(path=Path("text.npz")), tmp_path)
    (tmp_path / "cut.npz").write_bytes((tmp_path / "a.npz").read_bytes()[:60])
    for name in ("cut.npz", "none.npz"):
        with pytest.raises(DataError, match=rf"\[arrays {name}\] "):
            Arrays.build(Arrays.Params(path=Path(name)), tmp_path)


# ---------------------------------------------------------------- R data


@pytest.mark.parametrize("packed", ["zlib", "bzip2", "xz"])
def test_a_data_frame_of_an_r_data_base(tmp_path: Path, packed: str) -> None:
    numbers = written(14, np.array([1.5, np.nan, -2]).astype(">f8").tobytes(), 3)
    wholes = written(13, np.array([7, -(2**31), 9]).astype(">i4").tobytes(), 3)
    levels = RWriter().word(0x402, 1).text("levels").strings(["low", "high"]).word(254).raw[len(RWriter().raw) :]
    factor = written(0x200 | 13, np.array([2, 1, -(2**31)]).astype(">i4").tobytes(), 3) + levels
    raw = frame_of({"a": numbers, "b": wholes, "c": factor})
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 6}]
    made = {
        "zlib": lambda: zlib.compress(raw),
        "bzip2": lambda: b"2" + bz2.compress(raw),
        "xz": lambda: b"Z" + lzma.compress(raw, lzma.FORMAT_RAW, filters=filters),
    }[packed]()
    chunk = len(raw).to_bytes(4, "big") + made
    write_index(tmp_path, {"people": (0, len(chunk))}, chunk)
    assert read_r_table(tmp_path, "people") == {"a": [1.5, None, -2.0], "b": [7, None, 9], "c": ["high", "low", None]}
    with pytest.raises(DataError, match=r"^\[R data\] no data frame others in .*; install the package again$"):
        read_r_table(tmp_path, "others")


def test_r_texts_and_austen(tmp_path: Path) -> None:
    write_lazy(tmp_path, {"emma": ["Emma", "", "naïve"], "a": ["b"]})
    assert read_texts(tmp_path) == {"emma": "Emma\n\nnaïve", "a": "b"}
    data = Austen.build(Austen.Params(path=Path(), context=3, valid=0.4), tmp_path)
    assert data.task == "language" and len(data.train) > 0
    (tmp_path / "Rdata.rdb").write_bytes((tmp_path / "Rdata.rdb").read_bytes()[:-9])
    with pytest.raises(DataError, match="expected whole Rdata files; the files are damaged; install the package again"):
        read_texts(tmp_path)


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (RWriter().word(14, -1).raw, "a vector of the length -1"),
        (RWriter().word(14, 2**31 - 1).raw, "the stream ends too early"),
        (RWriter().word(0x40009, 2**31 - 1).raw, "the stream ends too early"),
        (RWriter().word(0x1FF).raw, "a reference to symbol 1 of 0"),
        (RWriter().word(*[19, 1] * 2000).raw, "maximum recursion depth exceeded"),
        (frame_of({"a": written(0x200 | 13, (3).to_bytes(4, "big"), 1)
                   + RWriter().word(0x402, 1).text("levels").strings(["x"]).word(254).raw[len(RWriter().raw):]}),
         "level 3 of 1"),
    ],
)  # fmt: skip
def test_damaged_r_data(tmp_path: Path, raw: bytes, said: str) -> None:
    chunk = len(raw).to_bytes(4, "big") + zlib.compress(raw)
    write_index(tmp_path, {"people": (0, len(chunk))}, chunk)
    with pytest.raises(DataError) as caught:
        read_r_table(tmp_path, "people")
    assert str(caught.value).startswith(f"[R data] {tmp_path}: {said}")


def test_an_r_object_that_is_not_as_long_as_its_chunk_says(tmp_path: Path) -> None:
    raw = frame_of({"a": written(14, bytes(8), 1)})
    size = len(raw)
    for length, said in ((size - 1, "it unpacks to more than"), (size + 1, "an object of"), (2**32 - 1, "an obj")):
        chunk = length.to_bytes(4, "big") + zlib.compress(raw)
        write_index(tmp_path, {"people": (0, len(chunk))}, chunk)
        with pytest.raises(DataError, match=said):
            read_r_table(tmp_path, "people")


def test_austen_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POWERTRAIN_DATA", str(tmp_path))
    with pytest.raises(DataError) as caught:
        Austen.build(Austen.Params(path=Path("no")), tmp_path)
    assert str(caught.value) == (
        f"[austen] no Rdata.rdx in {tmp_path / 'no'}; expected the data set in one of them; get it with "
        "`apt-get install r-cran-janeaustenr`, or without R by `apt-get download r-cran-janeaustenr`, "
        "`dpkg-deb -x r-cran-janeaustenr_*.deb FOLDER` and POWERTRAIN_DATA=FOLDER"
    )


def test_a_split_that_leaves_nothing_to_train_on_is_refused() -> None:
    for split in (split_random, split_ordered, lambda count, parts: split_stratified(np.zeros(count), parts)):
        with pytest.raises(DataError) as caught:
            split(10, {"valid": 0.5, "test": 0.46})
        assert str(caught.value) == (
            "[split] 5 for valid and 5 for test of 10 examples; expected some to train on; lower the shares or add data"
        )
