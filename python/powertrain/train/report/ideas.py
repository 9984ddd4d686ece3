"""The ideas of training that a report is about, with their pages: a report is read where no network is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from powertrain.io.pages import IDEAS, page_text, pages, title_of
from powertrain.train.evaluate.diagnosis import ideas_of_fit
from powertrain.train.report.elements import NOTHING
from powertrain.train.report.markup import Html, html, joined, markup

if TYPE_CHECKING:
    from powertrain.train.evaluate.evaluation import Evaluation
    from powertrain.train.run.train_run import TrainRun

RARE = 0.25  # of the examples of the largest class: a smaller class is told of
_OF_RECIPE = re.compile(rf"powertrain help ({IDEAS}[\w-]+(?:, {IDEAS}[\w-]+)*)")
_SEE_ALSO = "**See also**"


class Ideas:
    """The ideas of one report: what cites one links its text, which stands at the end."""

    def __init__(self, run: TrainRun, judged: Evaluation, results: Mapping[str, Any]) -> None:
        self._pages = pages()
        self._cited: dict[str, None] = {}
        self._of_fit = ideas_of_fit(results["fit"])
        self._of_recipe = [name for found in _OF_RECIPE.findall(run.recipe.text or "") for name in found.split(", ")]
        support = [] if judged.confusion is None else judged.confusion.scores().support.tolist()
        self._unequal = len(support) > 1 and min(support) < RARE * max(support)

    def of_fit(self) -> Html:
        return self.link(*self._of_fit)

    def of_classes(self) -> Html:
        return self.link("ideas/class-imbalance") if self._unequal else NOTHING

    def link(self, *names: str) -> Html:
        """A line that leads to the texts of some ideas; nothing where their pages are not installed."""
        known = [name for name in names if name in self._pages]
        self._cited.update(dict.fromkeys(known))
        links = [html('<a href="#{}">{}</a>', _anchor(name), title_of(self._pages[name])) for name in known]
        return html('<p class="quiet">Read: {}.</p>', joined(links, ", ")) if links else NOTHING

    def section(self) -> Html:
        """The texts of what was cited, and of what the recipe names."""
        self.link(*self._of_recipe)
        shown = joined(self._shown(name) for name in self._cited)
        return html("<h2>Ideas</h2>{}", shown) if shown else NOTHING

    def _shown(self, page: str) -> Html:
        title, paragraphs = _parts(page_text(self._pages[page]))
        text, command = joined(map(_paragraph, paragraphs)), f"powertrain help {page}"
        return html(
            '<details id="{}"><summary>{}: <code>{}</code></summary>{}</details>', _anchor(page), title, command, text
        )


def _anchor(name: str) -> str:
    return name.replace("/", "-")


def _parts(page: str) -> tuple[str, list[str]]:
    """The title of a page, and its paragraphs without the picture and the links to others."""
    title, *paragraphs = page.split("\n\n")
    return title.removeprefix("# "), [text for text in paragraphs if not text.startswith(("![", _SEE_ALSO))]


def _paragraph(text: str) -> Html:
    """A paragraph or a list of a page of ours; links to other pages are their words."""
    if text.startswith("- "):
        return html("<ul>{}</ul>", joined(html("<li>{}</li>", _words(one)) for one in text[2:].split("\n- ")))
    return html("<p>{}</p>", _words(text))


def _words(text: str) -> Html:
    plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", re.sub(r"\s+", " ", text))
    return joined(map(_marked, re.split(r"(\*\*[^*]+\*\*|`[^`]+`)", plain)))


def _marked(part: str) -> Html:
    if part.startswith("**"):
        return html("<b>{}</b>", part.strip("*"))
    return html("<code>{}</code>", part.strip("`")) if part.startswith("`") else markup(part)
