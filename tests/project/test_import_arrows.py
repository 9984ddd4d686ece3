"""The rooms of the Python side import one way, in no circle, and first-party distributions what is public alone."""

from pathlib import Path

import pytest

import check_imports


def test_every_import_follows_the_arrows() -> None:
    assert check_imports.complaints() == []


def test_first_party_distributions_import_what_is_public() -> None:
    assert check_imports.private_imports() == []


@pytest.mark.parametrize(
    ("room", "text", "said"),
    [
        ("ops", "from powertrain.nn import Linear", "ops may import what stands before it: _core, typing, abi, errors"),
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


def test_a_private_import_of_a_distribution_is_found(tmp_path: Path) -> None:
    package = tmp_path / "some" / "src" / "some"
    package.mkdir(parents=True)
    (package / "x.py").write_text("import powertrain.nn\nfrom powertrain.data.order import SPLIT\n")
    (found,) = check_imports.private_imports(tmp_path)
    assert found.startswith(
        "[import some/src/some/x.py:2] powertrain.data.order.SPLIT; expected a name of powertrain, "
    )
