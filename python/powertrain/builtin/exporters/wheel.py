"""The exporter `wheel`: a distribution that holds the run and predicts with it, for `pip install`."""

from __future__ import annotations

import base64
import csv
import hashlib
import importlib.metadata
import io
import json
import keyword
import re
import sys
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from powertrain.builtin.exporters.loading import module_of
from powertrain.io.temporary import TemporaryFolder
from powertrain.plugin.exporter import Exporter, ExportError, Runner, Trained
from powertrain.plugin.params import param
from powertrain.plugin.versions import next_breaking

MODULE = '''\
"""A model that was trained with Powertrain.

    from {package} import predict

`predict(x)` gives the outputs for an array of examples as the data has them, or continues a text where the model writes
texts. `run()` is what `powertrain.load` gives.
"""

import functools
from pathlib import Path

import powertrain

FOLDER = Path(__file__).parent / "run"


@functools.cache
def run():
    """The trained run."""
    return powertrain.load(FOLDER{trust})


def predict(x, checked=False):
    """The outputs for an array or the path of a file; `checked` if `run().examples` gave the array."""
    return run().predict(x, checked=checked)
'''
MAIN = '''\
"""`python -m {package} FILE` prints an answer for each example of a file, as `powertrain predict` does."""

import sys

from powertrain.cli import main

from {package} import FOLDER

if __name__ == "__main__":
    sys.exit(main(["predict", str(FOLDER), *sys.argv[1:]{trust}]))
'''
SUMMARY = "A model that was trained with Powertrain."
METADATA = """\
Metadata-Version: 2.1
Name: {name}
Version: {version}
Summary: {summary}
Requires-Python: >=3.10
{requires}
"""
WHEEL = "Wheel-Version: 1.0\nGenerator: powertrain\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
VERSION = r"[0-9]+(\.[0-9]+)*((a|b|rc)[0-9]+)?(\.post[0-9]+)?(\.dev[0-9]+)?"
TIME = (1980, 1, 1, 0, 0, 0)  # the first that a zip file knows: the same run gives the same bytes
# Of run.lock, what says how this machine is called and what was typed on it: nobody needs it to predict.
PRIVATE = ("system", "command")


class Wheel(Exporter):
    """A wheel with the run and its `predict`. It needs powertrain and the distributions whose plugins the run uses."""

    suffix = ".whl"

    @dataclass(frozen=True)
    class Params:
        version: str = param("1.0", doc="version of the distribution, in the form of PEP 440")

        def __post_init__(self) -> None:
            if not re.fullmatch(VERSION, self.version):
                raise ValueError(f"version = {self.version!r}; expected numbers with points; for example 1.0 or 2.1rc1")

    def filename(self, trained: Trained) -> str:
        return f"{trained.name}-{self.params.version}-py3-none-any.whl"

    def write(self, trained: Trained, path: Path) -> None:
        package, version = trained.name, self.params.version
        if _taken(package):
            raise ExportError(
                f"[export wheel] the run is called {package}; expected a name that is neither a keyword of Python "
                "nor the name of a module of Python, of powertrain or of an installed package, since the wheel gets "
                "that name; rename the folder of the run"
            )
        if path.name != self.filename(trained):
            raise ExportError(
                f"[export wheel] received {path.name}; expected {self.filename(trained)}, since pip reads the name of "
                "a wheel; give a folder"
            )
        run = _run_files(trained.folder)
        trusts = any(name.endswith(".py") for name in run)
        words = {"package": package, "trust": ", trust=True" if trusts else ""}
        requires = "\n".join(
            f"Requires-Dist: {name}>={found},<{next_breaking(found)}" for name, found in trained.requirements.items()
        )
        info = f"{package}-{version}.dist-info"
        files = {
            f"{package}/__init__.py": MODULE.format(**words).encode(),
            f"{package}/__main__.py": MAIN.format(package=package, trust=', "--trust"' if trusts else "").encode(),
            **{f"{package}/run/{name}": content for name, content in run.items()},
            f"{info}/METADATA": METADATA.format(
                name=package.replace("_", "-"), version=version, summary=SUMMARY, requires=requires
            ).encode(),
            f"{info}/WHEEL": WHEEL.encode(),
            f"{info}/top_level.txt": f"{package}\n".encode(),
        }
        _pack(path, files, f"{info}/RECORD")

    def load(self, trained: Trained, path: Path) -> Runner | None:
        """The package's own `predict`, unpacked into a folder that goes with the function."""
        folder = TemporaryFolder("powertrain-wheel-")
        with zipfile.ZipFile(path) as file:
            file.extractall(folder.path)
        module = module_of(folder.path / trained.name / "__init__.py", "powertrain_exported_wheel")

        def answers(x: Any) -> Any:
            return np.asarray(module.predict(x, checked=True))

        folder.remove_with(answers)
        return answers


def _taken(package: str) -> bool:
    """Whether a package of that name cannot be imported, or would take the place of another one."""
    if keyword.iskeyword(package) or package in sys.stdlib_module_names or package.startswith("powertrain"):
        return True
    try:
        return SUMMARY not in (importlib.metadata.metadata(package).get_all("Summary") or ())
    except importlib.metadata.PackageNotFoundError:
        return False


def _run_files(folder: Path) -> dict[str, bytes]:
    """What of a run predicts: its recipe with the files beside it, the record of its data, the newest checkpoint."""
    from powertrain.plugin import trust
    from powertrain.train.folder.lock import LOCK
    from powertrain.train.folder.run_folder import DECISION, PRUNED, QUANTIZED, RUN, RunFolder

    run = RunFolder(folder)
    about = run.about()
    if sections := sorted({path.partition(".")[0] for path in about["objects"]}):
        raise ExportError(
            f"[export wheel] the run was made from Python objects ({', '.join(sections)}), which its folder "
            "does not hold; expected a recipe that names its parts; train from a recipe, or save the "
            'weights alone: safetensors.numpy.save_file(run.model.state_dict("torch"), path)'
        )
    found, _ = run.checkpoints.latest()
    if found is None:
        raise ExportError(f"[export wheel] {folder} has no checkpoint; expected one; train it first")
    names = ["recipe.toml", *trust.locked(run.files)]
    if outside := [name for name in names if name.startswith("/") or ".." in name.split("/")]:
        raise ExportError(
            f"[export wheel] run.lock of {folder} names {outside[0]!r}; expected files of that folder; restore it"
        )
    names += run.checkpoints.files_of(found.number)
    names += [name for name in (DECISION, PRUNED, QUANTIZED) if run.files.there(name)]
    files = {name: run.files.read(name, MOST_BYTES) for name in names}
    lock = json.loads(run.files.read(LOCK))
    files[LOCK] = _json({key: value for key, value in lock.items() if key not in PRIVATE})
    files[RUN] = _json({**about, "base": ""})  # where the recipe was is nobody's business elsewhere
    return files


MOST_BYTES = 1 << 32  # of one file in a zip without its later additions


def _json(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, indent=1, sort_keys=True, allow_nan=False).encode() + b"\n"


def _pack(path: Path, files: Mapping[str, bytes], record: str) -> None:
    """A zip file of these files in the order of their names, not compressed: its bytes depend on nothing else."""
    rows = io.StringIO()
    lines = csv.writer(rows, lineterminator="\n")  # a file beside a recipe may have a comma in its name
    lines.writerows((name, f"sha256={_hash(content)}", len(content)) for name, content in sorted(files.items()))
    lines.writerow((record, "", ""))
    whole = {**files, record: rows.getvalue().encode()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as file:
        for name in [*sorted(files), record]:
            entry = zipfile.ZipInfo(name, TIME)
            entry.external_attr = 0o644 << 16
            entry.create_system = 3  # Unix, wherever it is written
            file.writestr(entry, whole[name])


def _hash(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
