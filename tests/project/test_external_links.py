"""tools/check_external_links.py: links to other sites, as far as they can be held without a network."""

from __future__ import annotations

from pathlib import Path

import check_external_links as tool

COMMIT = "f1e2ace651495b74ae22d45d1723443fd00ecd3a"


def told(tmp_path: Path, text: str, *known: str) -> list[str]:
    (tmp_path / "docs").mkdir(exist_ok=True)
    (tmp_path / "docs" / "a.md").write_text(text, encoding="utf-8")
    rows = {url: {"url": url, "what": "a page", "answered": ""} for url in known}
    return list(tool.complaints(tool.links(tmp_path), rows))


def test_the_links_of_this_project_are_in_order() -> None:
    assert tool.main([]) == 0
    assert len(tool.links()) > 15


def test_a_link_without_a_row_and_a_row_without_a_link(tmp_path: Path) -> None:
    said = told(tmp_path, "One\n[two](https://onnx.ai).\n", "https://lost.dev")
    assert said == [
        "[links docs/a.md:2] https://onnx.ai has no row in tools/external_links.toml; expected what is there; add it, "
        "then `make docs-links`",
        "[links tools/external_links.toml] https://lost.dev is linked nowhere; expected rows of links alone; remove it",
    ]
    assert told(tmp_path, "`https://onnx.ai`, http://localhost:80/x, https://example.org/y", "https://onnx.ai") == []


def test_a_branch_of_github_and_a_link_without_https(tmp_path: Path) -> None:
    kept = f"https://github.com/a/b/blob/{COMMIT}/c.py"
    moving = "https://github.com/a/b/blob/main/c.py"
    said = told(tmp_path, f"{kept} {moving} http://onnx.ai", kept, moving, "http://onnx.ai")
    assert said == [
        f"[links docs/a.md:1] {moving}; expected a commit, since main moves on; press y on the page of GitHub",
        "[links docs/a.md:1] http://onnx.ai; expected https; write https://onnx.ai",
    ]


def test_asking_notes_the_day_of_those_that_answer(tmp_path: Path) -> None:
    rows = {
        url: {"url": url, "what": "a page", "answered": "2026-01-01"}
        for url in ("https://here.dev", "https://gone.dev")
    }
    (said,) = tool.ask_all(rows, lambda url: "HTTP Error 404: Not Found" if "gone" in url else "")
    assert said == (
        "[links] https://gone.dev (a page): HTTP Error 404: Not Found; it answered last: 2026-01-01; look for where it "
        "is now"
    )
    assert rows["https://gone.dev"]["answered"] == "2026-01-01" < rows["https://here.dev"]["answered"]
    path = tmp_path / "rows.toml"
    path.write_text(tool.written(rows.values()), encoding="utf-8")
    assert tool.read_rows(path) == rows
