"""Put a built site beside those of earlier versions: `python tools/website/versions.py build/docs/html SITE`.

SITE has a folder for each version, which is built once, at its release. `versions.js` lists them. Each page has
docs/static/choose_version.js, which reads the list and shows it, so that pages of an old version know of newer ones.
`index.html` leads to the newest.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import sys
from pathlib import Path

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[2]
LIST = "versions.js"
_VERSION = re.compile(r"\d+(\.\d+)*(\.?(a|b|rc|dev)\d+)?")
INDEX = """\
<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Powertrain</title>
<meta http-equiv="refresh" content="0; url={newest}/index.html"></head>
<body><a href="{newest}/index.html">Powertrain {newest}</a></body></html>
"""


def add(built: Path, site: Path, version: str) -> list[str]:
    """Copy a built site into SITE/version, in place of one that is there, and return all versions, the newest first."""
    if not _VERSION.fullmatch(version):
        raise SystemExit(f"[versions] received version {version}; expected numbers such as 1.2.0; give --version")
    if not (built / "index.html").is_file():
        raise SystemExit(f"[versions] no site in {built}; expected the folder that `make docs` writes; run it first")
    site.mkdir(parents=True, exist_ok=True)
    fresh = site / f".{version}.new"
    shutil.rmtree(fresh, ignore_errors=True)
    shutil.copytree(built, fresh, ignore=shutil.ignore_patterns(".doctrees", ".buildinfo*"))
    shutil.rmtree(site / version, ignore_errors=True)
    fresh.rename(site / version)
    found = sorted((path.name for path in site.iterdir() if _VERSION.fullmatch(path.name)), key=_order, reverse=True)
    newest = next((name for name in found if _is_release(name)), found[0])
    (site / LIST).write_text(
        f"window.powertrainVersions = {json.dumps({'newest': newest, 'all': found})};\n", encoding="utf-8"
    )
    (site / "index.html").write_text(INDEX.format(newest=newest), encoding="utf-8")
    return found


def _is_release(version: str) -> bool:
    return re.fullmatch(r"[\d.]+", version) is not None


def _order(version: str) -> tuple[list[int], bool, list[int]]:
    """By numbers; before a release come its candidates."""
    numbers = re.match(r"[\d.]*\d", version)
    assert numbers is not None
    rest = [int(number) for number in re.findall(r"\d+", version[numbers.end() :])]
    return [int(number) for number in numbers[0].split(".")], _is_release(version), rest


def main(arguments: list[str]) -> None:
    """Add the site of this version."""
    known = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("built", type=Path)
    options.add_argument("site", type=Path)
    options.add_argument("--version", default=known)
    chosen = options.parse_args(arguments)
    print("versions:", *add(chosen.built, chosen.site, chosen.version))


if __name__ == "__main__":
    main(sys.argv[1:])
