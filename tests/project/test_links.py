"""Every page, topic and address that a message, a docstring or a page cites is there."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from page_blocks import ROOT, pages
from powertrain.cli.parser import parser
from powertrain.plugin.protocols import GROUPS
from powertrain.recipe.reference import keys

SOURCES = sorted(
    path
    for pattern in ("python/powertrain/**/*.py", "plugins/*/src/**/*.py", "cpp/**/*.h", "cpp/**/*.cpp")
    for path in ROOT.glob(pattern)
)
READMES = sorted([*ROOT.glob("*/README.md"), *ROOT.glob("*/*/README.md"), *ROOT.glob("python/powertrain/*/README.md")])
_PAGE = re.compile(r"\bdocs/([\w{}/-]+)\.md(?:#([\w-]+))?")
_TOPIC = re.compile(r"powertrain help ([\w{}/.-]*[\w}])")
_LINK = re.compile(r"\]\(([^)\s#]*)(?:#([\w-]+))?\)")
_CODE = re.compile(r"^ *```.*?^ *```$|`[^`\n]*`", re.MULTILINE | re.DOTALL)


def expanded(text: str) -> list[str]:
    """What a part of an f-string may become; of a page that is any page, nothing."""
    if "{page}" in text:
        return []
    return [text.replace("{group}", group) for group in GROUPS] if "{group}" in text else [text]


@functools.cache
def anchors(page: Path) -> set[str]:
    """The places of a page that a link may name: its headings, as GitHub and the site write them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    plain = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings)
    return {heading.replace(" ", "-") for heading in plain}


def broken(name: str, text: str) -> Iterator[str]:
    """The pages and topics that a text cites and that are not there."""
    for cited in _PAGE.finditer(text):
        for page in expanded(cited[1]):
            path = ROOT / "docs" / f"{page}.md"
            if not path.is_file():
                yield f"{name} cites docs/{page}.md"
            elif cited[2] and cited[2] not in anchors(path):
                yield f"{name} cites docs/{page}.md#{cited[2]}"
    for cited in _TOPIC.finditer(text):
        for topic in expanded(cited[1]):
            page = topic.removeprefix("docs/").removesuffix(".md")
            known = topic in keys() or topic in ("KEY", "TOPIC", "pt.matmul")
            if not known and not any((ROOT / "docs" / name).is_file() for name in (f"{page}.md", f"{page}/README.md")):
                yield f"{name} says powertrain help {topic}"


@pytest.mark.parametrize("folder", ["python/powertrain", "plugins", "cpp"])
def test_what_sources_cite_is_there(folder: str) -> None:
    found = [path for path in SOURCES if path.relative_to(ROOT).as_posix().startswith(folder)]
    assert len(found) > 10
    assert [
        line
        for path in found
        for line in broken(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8"))
    ] == []  # fmt: skip


@pytest.mark.parametrize("page", [*pages(), *READMES], ids=lambda path: path.relative_to(ROOT).as_posix())
def test_what_a_page_cites_is_there(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    lost = list(broken(page.name, text))
    for link in _LINK.finditer(_CODE.sub("", text)):
        if link[1].startswith(("http:", "https:", "mailto:")):
            continue
        target = (page.parent / link[1]).resolve() if link[1] else page
        made = "api" in target.relative_to(ROOT).parts  # by the build of the site, which checks these links
        if not (target.exists() or made):
            lost.append(f"{page.name} links {link[1]}")
        elif link[2] and target.suffix == ".md" and not made and link[2] not in anchors(target):
            lost.append(f"{page.name} links {link[1]}#{link[2]}")
    assert lost == []


def test_verbs_that_messages_name_exist() -> None:
    """`powertrain VERB` in a message or a docstring."""
    text = parser().format_help()
    named = {
        verb
        for path in SOURCES
        for verb in re.findall(r"`powertrain ([a-z]+)", path.read_text(encoding="utf-8"))
    }  # fmt: skip
    assert len(named) > 5
    assert {verb for verb in named if not re.search(rf"^    {verb}\b", text, re.MULTILINE)} == set()


def test_a_lost_page_is_found() -> None:
    said = list(broken("x", "see docs/plugins/{group}.md, docs/nowhere.md, docs/runs.md#no, powertrain help nothing"))
    assert said == ["x cites docs/nowhere.md", "x cites docs/runs.md#no", "x says powertrain help nothing"]
