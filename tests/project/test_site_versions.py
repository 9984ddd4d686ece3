"""tools/website/versions.py: sites of several versions side by side, and the list that their pages show."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from website.versions import LIST, ROOT, add


def built(folder: Path, text: str) -> Path:
    """What `make docs` writes, as far as it matters."""
    (folder / ".doctrees").mkdir(parents=True)
    (folder / "index.html").write_text(text, encoding="utf-8")
    return folder


def listed(site: Path) -> dict[str, object]:
    text = (site / LIST).read_text(encoding="utf-8")
    found: dict[str, object] = json.loads(text.removeprefix("window.powertrainVersions = ").rstrip(";\n"))
    return found


def test_versions_lie_side_by_side_and_the_newest_release_is_first_seen(tmp_path: Path) -> None:
    site = tmp_path / "site"
    for number, version in enumerate(("0.9.0", "0.10.0", "0.11.0rc1")):
        found = add(built(tmp_path / str(number), version), site, version)
    assert found == ["0.11.0rc1", "0.10.0", "0.9.0"]
    assert listed(site) == {"newest": "0.10.0", "all": found}
    assert 'url=0.10.0/index.html"' in (site / "index.html").read_text(encoding="utf-8")
    assert sorted(path.name for path in site.iterdir()) == ["0.10.0", "0.11.0rc1", "0.9.0", "index.html", LIST]
    assert not (site / "0.9.0" / ".doctrees").exists()


def test_a_version_that_is_built_again_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    site = tmp_path / "site"
    add(built(tmp_path / "a", "old"), site, "1.0.0")
    (site / "1.0.0" / "gone.html").write_text("", encoding="utf-8")
    add(built(tmp_path / "b", "new"), site, "1.0.0")
    assert [path.name for path in (site / "1.0.0").iterdir()] == ["index.html"]
    assert (site / "1.0.0" / "index.html").read_text(encoding="utf-8") == "new"


def test_what_is_no_site_or_no_version_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"^\[versions\] no site in .*; expected the folder that `make docs` writes"):
        add(tmp_path, tmp_path / "site", "1.0.0")
    with pytest.raises(SystemExit, match=r"^\[versions\] received version \.\./x; expected numbers"):
        add(built(tmp_path / "a", ""), tmp_path / "site", "../x")
    assert not (tmp_path / "site").exists()


def test_each_page_has_the_script_that_reads_the_list() -> None:
    script = (ROOT / "docs" / "static" / "choose_version.js").read_text(encoding="utf-8")
    assert f'"../{LIST}"' in script and "window.powertrainVersions" in script
    assert 'html_js_files = ["choose_version.js"]' in (ROOT / "docs" / "conf.py").read_text(encoding="utf-8")
