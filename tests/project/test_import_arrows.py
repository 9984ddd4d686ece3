"""The rooms of the Python side import one way, in no circle, and first-party distributions what is public alone."""

from pathlib import Path

import pytest

import check_imports


def test_every_import_follows_the_arrows() -> None:
    assert check_imports.complaints() == []


def test_first_party_distributions_import_what_is_public() -> None:
    found = list(check_imports.sources())
    places = [source.place for source in found]
    assert len(found) > 80 and "docs/plugins/task.md" in places
    assert "python/powertrain/cli/templates/model.py" in places and "plugins/template/setup.py" in places
    assert check_imports.private_names(found) == []


@pytest.mark.parametrize(
    ("room", "text", "said"),
    [
        ("ops", "from powertrain.nn import Linear", "ops may import what stands before it: _core, abi, errors"),
        ("ops", "def f():\n    import powertrain.cli", "[import ops/x.py:2] powertrain.cli; ops may import"),
        ("odd", "import numpy", "[import] odd in python/powertrain; expected one of _core, "),
    ],
)
def test_an_import_against_them_is_found(tmp_path: Path, room: str, text: str, said: str) -> None:
    (tmp_path / room).mkdir()
    (tmp_path / room / "x.py").write_text(text)
    (found,) = check_imports.complaints(tmp_path)
    assert said in found


def test_what_never_runs_is_free(tmp_path: Path) -> None:
    (tmp_path / "ops").mkdir()
    (tmp_path / "ops/x.py").write_text("if TYPE_CHECKING:\n    from powertrain.nn import Linear\n")
    assert check_imports.complaints(tmp_path) == []


def test_a_circle_is_found(tmp_path: Path) -> None:
    (tmp_path / "ops").mkdir()
    for one, other in (("a", "b"), ("b", "c"), ("c", "a")):
        (tmp_path / f"ops/{one}.py").write_text(f"from powertrain.ops.{other} import name\n")
    assert check_imports.complaints(tmp_path) == [
        "[import] a circle: ops.a -> ops.b -> ops.c -> ops.a; move what both need to a third"
    ]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("from powertrain.data.order import SPLIT", ["powertrain.data.order.SPLIT"]),
        ("from powertrain.data import formats", ["powertrain.data.formats"]),
        ("from powertrain.data import collate, export", ["powertrain.data.export"]),
        ("import powertrain.plugin.backends as b\nb.uniform", ["powertrain.plugin.backends"]),
        ("from powertrain import train", ["powertrain.train"]),
        ("def f():\n    import powertrain.train", ["powertrain.train"]),
        ("import powertrain as pt\npt.nn.checks.sizes()", ["powertrain.nn.checks"]),
        ("from powertrain import data as d\nd.Nothing, d.collate", ["powertrain.data.Nothing"]),
        ("import powertrain\npowertrain._core.Error", ["powertrain._core"]),
        ("import powertrain as pt\npt.nn.Linear(1, 2)(pt.tensor(3)).sum(), pt.nn.init.normal_, pt.__version__", []),
        ("import powertrain.nn.functional as F\nF.relu(x), x.data.order", []),
        ("from powertrain.plugin import Model, param\nfrom powertrain.builtin.data import austen_text", []),
    ],
)
def test_a_private_name_is_found(text: str, found: list[str]) -> None:
    said = check_imports.private_names([check_imports.Source("a.py", 0, text)])
    assert sorted(one.split()[2].rstrip(";") for one in said) == found


def test_a_private_import_is_told_with_its_place(tmp_path: Path) -> None:
    for place, text in {
        "plugins/some/src/some/x.py": "import powertrain.nn\nfrom powertrain.data.order import SPLIT\n",
        "docs/plugins/x.md": "# A page\n\n```python\nimport powertrain.train\n```\n",
        "python/powertrain/cli/templates/x.py": "import powertrain.cli\n",
    }.items():
        (tmp_path / place).parent.mkdir(parents=True)
        (tmp_path / place).write_text(text)
    said = check_imports.private_names(check_imports.sources(tmp_path))
    assert [one.partition("; expected a name of powertrain, ")[0] for one in said] == [
        "[import plugins/some/src/some/x.py:2] powertrain.data.order.SPLIT",
        "[import python/powertrain/cli/templates/x.py:1] powertrain.cli",
        "[import docs/plugins/x.md:4] powertrain.train",
    ]
    assert all(one.endswith("; make it public, or do without it") for one in said)
