"""A data file that setuptools left out of the wheel of a distribution."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_discovery import distribution

from powertrain.conformance import check_distribution
from powertrain.plugin.registry import Registry
from running import SMALL, run

CODE = """\
from pathlib import Path

import numpy as np

from powertrain.data import ArrayDataset, DataModule, read_arrays
from powertrain.plugin import Data


class Own(Data):
    @classmethod
    def build(cls, params, base):
        found = READ(Path(__file__).with_name("small.npz"))
        return DataModule("own", "classification", {"train": ArrayDataset(x=found["x"], y=found["y"])}, 2)
"""
HINT = (
    'expected the file in the package of acme-left; write acme_left = ["small.npz"] under '
    "[tool.setuptools.package-data] in its pyproject.toml, and install it again"
)


@pytest.mark.parametrize("read", ["np.load", "(lambda path: read_arrays(path, 'own'))"])
def test_it_is_said_where_it_is_to_be_named(read: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installed = tmp_path / "installed"
    distribution(installed, "acme-left", "[powertrain.v1.data]\nleft = acme_left.data:Own\n")
    (installed / "acme_left.py").unlink()
    package = installed / "acme_left"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "data.py").write_text(CODE.replace("READ", read))
    (tmp_path / "left.toml").write_text(SMALL.replace('use = "digits"', 'use = "acme-left/left"'))
    said = run(["train", "left.toml", "--run", "a"], tmp_path, [installed], expect=2).stderr
    assert said == f"[{package / 'small.npz'}] No such file or directory; {HINT}\n"
    monkeypatch.syspath_prepend(str(installed))
    (one,) = check_distribution(Registry(lambda: [str(installed)]), "acme-left")
    (finding,) = one.findings
    assert finding.code == "raises" and finding.line().endswith(HINT) and not one.right
