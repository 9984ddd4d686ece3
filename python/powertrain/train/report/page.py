"""An HTML page that stands alone: nothing is fetched, and no script runs but ours, whatever somebody's data bring."""

from __future__ import annotations

from collections.abc import Iterable

from powertrain.charts import script_source
from powertrain.train.report.markup import Html, as_it_stands, html, joined

# Whatever somebody's data have brought into the page.
POLICY = "default-src 'none'; img-src data:; media-src data:; style-src 'unsafe-inline'"
STYLE = Html("""
:root { color-scheme: light dark }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #222 }
h1 { font-size: 1.6rem } h2 { font-size: 1.2rem; margin-top: 2rem }
table { border-collapse: collapse } td, th { padding: .2rem .8rem; text-align: right; border-bottom: 1px solid #ddd }
td:first-child, th:first-child, .words td, .words th { text-align: left } .words td { vertical-align: top }
.words :is(td, th):not(:last-child, .long) { white-space: nowrap } .words .long { min-width: 9rem }
img { max-width: 100%; margin-top: 1rem; background: #fff }
pre { background: #f6f6f6; padding: 1rem; white-space: pre-wrap; overflow-wrap: anywhere }
.good { color: #176f2c } .bad { color: #a11 } .quiet { color: #666 }
.pictures { display: grid; grid-template-columns: repeat(auto-fill, minmax(6.5rem, 1fr)); gap: .8rem; margin-top: 1rem }
.pictures figure { margin: 0; min-width: 0 } .pictures img { width: 100%; margin: 0 }
.curve { width: 100%; background: #fff } .curve polyline { fill: none; stroke: #0072b2; stroke-width: 1.5 }
.curve .channel1 { stroke: #c14a00 } .curve .channel2 { stroke: #176f2c }
.pictures figcaption { font-size: .75rem; line-height: 1.3; overflow-wrap: anywhere }
.sounds { display: flex; flex-wrap: wrap; gap: .8rem; margin-top: 1rem } .sounds figure { margin: 0 }
.sounds audio { width: 15rem; height: 2.5rem }
.film td { padding: .2rem; vertical-align: top; text-align: left; border: 0; min-width: 4.5rem; max-width: 6rem }
.film th { border: 0; padding-left: 0; white-space: nowrap; font-weight: normal }
.film small { font-size: .75rem; line-height: 1.2 }
.film div { background-image: var(--sheet); image-rendering: pixelated; print-color-adjust: exact }
.squares { image-rendering: pixelated }
.panels { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(18rem, 100%), 28rem)); gap: 0 1rem }
details { margin: .5rem 0 } summary { cursor: pointer }
.scroll { overflow-x: auto } .wide :is(td, th) { white-space: nowrap }
@media (prefers-color-scheme: dark) { body { background: #181818; color: #ddd } pre { background: #222 } }
@media (prefers-color-scheme: dark) { td, th { border-color: #444 } .quiet { color: #aaa } }
@media (prefers-color-scheme: dark) { .good { color: #6c6 } .bad { color: #f77 } }
""")


def page_of(title: str, parts: Iterable[Html], *, script: str = "", style: str = "") -> Html:
    """The page of some parts; empty ones are left out. A script of ours may run in it, and no other."""
    policy = f"{POLICY}; script-src {script_source(script)}" if script else POLICY
    head = html(
        '<meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{}">'
        '<meta name="viewport" content="width=device-width"><title>{}</title><style>{}</style>',
        policy, title, as_it_stands(STYLE + style),
    )  # fmt: skip
    body = joined((part for part in parts if part), "\n")
    end = html("<script>{}</script>", as_it_stands(script)) if script else ""
    return html(
        "<!doctype html><html lang=en><head>{}</head><body><main><h1>{}</h1>\n{}\n</main>{}</body></html>\n",
        head,
        title,
        body,
        end,
    )
