"""Check the links to other sites: without a network against external_links.toml, with --online by asking each site.

Other sites move and go. A row of external_links.toml says what a link leads to, so that it can be found again, and when
it answered last. `make lint` needs no network: it fails on a link without a row, on a row without a link, on a link
that is not https, and on a file of GitHub that is not named by its commit, since a branch moves on. `make docs-links`
asks each site and writes the day into the rows of those that answer.
"""

from __future__ import annotations

import argparse
import datetime
import re
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parent.parent
RECORD = Path(__file__).with_name("external_links.toml")
HEAD = """\
# Links to other sites: what is there, and the day on which they answered last ("" where nobody has asked yet).
# `make docs-links` asks them and writes the days; tools/check_external_links.py holds the rest without a network.
"""
PATTERNS = (
    "*.md", "docs/**/*.md", "examples/**/*", "plugins/*/README.md", "plugins/*/src/**/*.py", "python/powertrain/**/*",
    "cpp/**/*.cpp", "cpp/**/*.h", "cpp/**/*.cu", "benchmarks/**/*.py",
)  # fmt: skip
READ = {".md", ".py", ".toml", ".cpp", ".h", ".cu", ".LICENSE"}
_URL = re.compile(r"https?://[^\s\])<>\"'`\\,;|{}]+")
# Names that lead nowhere on purpose, this machine, and names of formats.
_NOBODY = re.compile(r"https?://(localhost|127\.0\.0\.1|example\.(org|com)|evil\.example|www\.w3\.org)\b")
_FILE = re.compile(r"https://github\.com/[\w.-]+/[\w.-]+/(?:blob|tree|raw)/(?P<at>[^/]+)")
SECONDS = 20


def links(root: Path = ROOT) -> dict[str, list[str]]:
    """Return the links of all texts, with the places that have them."""
    found: dict[str, list[str]] = {}
    for path in sorted({path for pattern in PATTERNS for path in root.glob(pattern)}):
        name = path.relative_to(root).as_posix()
        if path.suffix not in READ or name.startswith("docs/api/"):
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            for url in _URL.findall(line):
                if not _NOBODY.match(url):
                    found.setdefault(url.rstrip(".:"), []).append(f"{name}:{number}")
    return found


def complaints(found: dict[str, list[str]], rows: dict[str, dict[str, str]]) -> Iterator[str]:
    """What is wrong with links, as far as it is known without a network."""
    for url, places in found.items():
        at = f"[links {places[0]}]"
        if not url.startswith("https://"):
            yield f"{at} {url}; expected https; write https://{url.removeprefix('http://')}"
        named = _FILE.match(url)
        if named and not re.fullmatch("[0-9a-f]{40}", named["at"]):
            yield f"{at} {url}; expected a commit, since {named['at']} moves on; press y on the page of GitHub"
        if url not in rows:
            lacks = f"{url} has no row in tools/{RECORD.name}; expected what is there"
            yield f"{at} {lacks}; add it, then `make docs-links`"
    for url in rows:
        if url not in found:
            yield f"[links tools/{RECORD.name}] {url} is linked nowhere; expected rows of links alone; remove it"


def read_rows(path: Path = RECORD) -> dict[str, dict[str, str]]:
    """Return the rows by their links."""
    return {row["url"]: row for row in tomllib.loads(path.read_text(encoding="utf-8")).get("link", [])}


def written(rows: Iterable[dict[str, str]]) -> str:
    """The text of the record."""
    parts = [
        f'\n[[link]]\nurl = "{row["url"]}"\nwhat = "{row["what"]}"\nanswered = "{row["answered"]}"\n'
        for row in sorted(rows, key=lambda row: row["url"])
    ]
    return HEAD + "".join(parts)


def asked(url: str) -> str:
    """Ask for a page; what is wrong, or nothing."""
    request = urllib.request.Request(url, headers={"User-Agent": "Mozilla/5.0 (powertrain: check of links)"})
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as answer:
            answer.read(1)
    except (urllib.error.URLError, OSError, ValueError) as error:
        return str(error)
    return ""


def ask_all(rows: dict[str, dict[str, str]], ask: Callable[[str], str] = asked) -> list[str]:
    """Ask for each link, note the day of those that answer, and return what is wrong with the others."""
    today, wrong = datetime.date.today().isoformat(), []
    for url, row in rows.items():
        said = ask(url)
        if said:
            since = row["answered"] or "never"
            wrong.append(f"[links] {url} ({row['what']}): {said}; it answered last: {since}; look for where it is now")
        else:
            row["answered"] = today
    return wrong


def main(arguments: list[str]) -> int:
    """Print what is wrong; 1 if anything is."""
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--online", action="store_true", help="ask each site, and note those that answer")
    rows = read_rows()
    wrong = list(complaints(links(), rows))
    if options.parse_args(arguments).online:
        wrong += ask_all(rows)
        RECORD.write_text(written(rows.values()), encoding="utf-8")
    print(*wrong, sep="\n", end="\n" if wrong else "")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
