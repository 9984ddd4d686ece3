"""Write [project.urls] into every pyproject.toml: project_urls.py https://host/owner/name REF

For a release: the address of the repository that builds the files, and its tag. The tree itself names no address, since
copies of it have others. Uses the standard library alone.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
ADDRESS = re.compile(r"https://[A-Za-z0-9.-]+(/[A-Za-z0-9._-]+)+")
REF = re.compile(r"[A-Za-z0-9._/-]+")
PAGES = {
    "Source": "",
    "Documentation": "/blob/{ref}/docs/index.md",
    "Changelog": "/blob/{ref}/CHANGELOG.md",
    "Issues": "/issues",
}


def table(address: str, ref: str) -> str:
    if not ADDRESS.fullmatch(address) or not REF.fullmatch(ref):
        raise SystemExit(f"[project_urls] {address} {ref}; expected https://host/owner/name and a tag")
    return "[project.urls]\n" + "".join(f'{name} = "{address}{page.format(ref=ref)}"\n' for name, page in PAGES.items())


def with_urls(text: str, urls: str) -> str:
    """The text with the table at its end, where it cannot fall into another."""
    if re.search(r"^\[project\.urls\]", text, re.MULTILINE):
        raise SystemExit("[project_urls] a pyproject.toml has [project.urls] already; expected none; take a clean tree")
    return f"{text.rstrip()}\n\n{urls}"


def main(root: Path, address: str, ref: str) -> None:
    urls = table(address, ref)
    paths = [root / "pyproject.toml", *sorted((root / "plugins").glob("*/pyproject.toml"))]
    texts = [with_urls(path.read_text(encoding="utf-8"), urls) for path in paths]
    for path, text in zip(paths, texts, strict=True):
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        raise SystemExit(__doc__)
    main(ROOT, *sys.argv[1:])
