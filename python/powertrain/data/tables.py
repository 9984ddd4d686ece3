"""Tables from Python: the door to the data plugin `table` of powertrain-tabular, as recipes have it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

from powertrain.data.errors import DataError
from powertrain.data.module import DataModule
from powertrain.errors.arguments import shown
from powertrain.io.plain_number import plain_number
from powertrain.io.urls import Url, as_text
from powertrain.plugin import registry
from powertrain.plugin.conversion import check
from powertrain.plugin.params import params_of
from powertrain.plugin.registry import PluginError


def read_csv(path: str | PathLike[str] | Url, target: str, **settings: object) -> DataModule:
    """The data set of a CSV file (.csv, .tsv, also with .gz; or .parquet), of which the column `target` is predicted.
    The path may be a URL.

    Separator, decimal comma, byte order mark and dates are found out. Settings say what cannot be:

    sep, encoding, decimal, thousands, header, names, quotechar, na_values, date_format
                as in pandas.read_csv
    drop        columns that are left out, such as ["id"]
    split       shares that are held out, such as {"valid": 0.1, "test": 0.2}; what gaps, categories and scales become
                is learned from the other rows alone
    task, encode and so on
                as for `use = "table"` in a recipe

    Parts are `data.train` and `data.splits["test"]`, for `pt.data.DataLoader`; `pt.fit(model=..., data=data)` takes it
    whole. Columns are `data.columns`, classes `data.labels`.

    Errors    a file that cannot be read, by line and column; a setting that is not there
    Example
        >>> import importlib.util, tempfile
        >>> path = Path(tempfile.mkdtemp()) / "customers.csv"
        >>> _ = path.write_text("age,plan,left\\n" + "34,basic,no\\n51,plus,yes\\n" * 4)
        >>> if importlib.util.find_spec("powertrain_tabular") and importlib.util.find_spec("pyarrow"):
        ...     data = read_csv(path, target="left")
        ...     assert data.labels == ("no", "yes") and len(data.train) == 8
    """
    if not isinstance(path, (str, PathLike, Url)):
        raise DataError(
            "read_csv", f"path = {shown(path)}", "expected the path or the URL of a file",
            "write pt.data.from_frame(frame, target=...) for a table in memory",
        )  # fmt: skip
    plugin = _tables("read_csv")
    params = _params(plugin, {"path": as_text(path), "target": target, **settings}, "read_csv")
    loaded: DataModule = plugin.build(params, Path())
    return _made(loaded, params)


def from_frame(frame: object, target: str | int, **settings: object) -> DataModule:
    """The data set of a table in memory, of which the column `target` is predicted: a frame of pandas, polars or
    pyarrow, a dict of columns, or a list of dicts. Of a frame of Dask, or a data set of Ray Data, each partition is
    computed in its turn and read into memory.

    Gaps, categories, dates and scales become numbers as those of a file do. Settings are those of `read_csv` that are
    not about files: drop, split, task, encode and so on. A run that was trained on it predicts from such frames, and
    from files that have the columns.

    Errors    what is no table; a column of another kind, by its name; a setting that is not there
    Example
        >>> import importlib.util
        >>> columns = {"age": [34, 51] * 4, "plan": ["basic", None] * 4, "left": ["no", "yes"] * 4}
        >>> if importlib.util.find_spec("powertrain_tabular") and importlib.util.find_spec("pyarrow"):
        ...     data = from_frame(columns, target="left")
        ...     assert data.labels == ("no", "yes") and len(data.train) == 8
    """
    plugin, column = _tables("from_frame"), plain_number(target)
    if isinstance(column, bool) or not isinstance(column, (str, int)):
        raise DataError(
            "from_frame", f"target = {shown(target)}", "expected the name of the column that is predicted",
            'write target="COLUMN"; targets beside the frame become a column of it',
        )  # fmt: skip
    params = _params(plugin, {"path": "frame", "target": str(column), **settings}, "from_frame")
    loaded: DataModule | None = plugin.of_frame(params, frame)
    if loaded is None:
        raise DataError(
            "from_frame", f"frame = {shown(frame)}", "expected a table with named columns",
            "pass a data frame of pandas, polars, pyarrow, Dask or Ray Data, a dict of columns, or a list of dicts",
        )  # fmt: skip
    return _made(loaded, params)


def _tables(where: str) -> Any:
    """The data plugin that knows tables."""
    try:
        return registry().load("data", "table")
    except PluginError as error:
        raise DataError(
            where, "no data plugin table", "expected powertrain-tabular, which reads tables by pyarrow",
            "pip install 'powertrain-tabular[files]'",
        ) from error  # fmt: skip


def _made(loaded: DataModule, params: Any) -> DataModule:
    return dataclasses.replace(loaded, made_by={"use": "table", **_plain(dataclasses.asdict(params))})


def reopened(made_by: Mapping[str, object], kept: DataModule) -> DataModule:
    """A data set without its examples, with what its plugin adds so that it reads files: by the name and the settings
    that a run wrote down."""
    plugin: Any = registry().load("data", str(made_by.get("use")))
    settings = {name: value for name, value in made_by.items() if name != "use"}
    made: DataModule = plugin.reopen(_params(plugin, settings, "data"), kept)
    return made


def _params(plugin: Any, table: Mapping[str, Any], called: str) -> Any:
    params, mistakes = check(params_of(plugin), table, called)
    if mistakes:
        first = mistakes[0]
        where = called + "".join(f" {key}" for key in first.path)
        received, _, rest = first.text.partition("; ")
        expected, _, fix = rest.partition("; ")
        raise DataError(where, received, expected, fix or "correct it")
    return params


def _plain(value: Any) -> Any:
    """Settings as JSON has them, without those of no value; of a path its name, since files move."""
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items() if one is not None}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    return value.name if isinstance(value, (Path, Url)) else value
