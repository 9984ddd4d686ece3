"""`powertrain plugins`: listing imports no plugin; `check` and `doctor` import them in processes of their own."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from typing import Any

from powertrain import _core
from powertrain.cli.exit_codes import FINE, MISSED
from powertrain.io.console import say
from powertrain.io.plain_json import dumps
from powertrain.plugin import listing
from powertrain.plugin.registry import ENGINE, Plugin, PluginError, registry
from powertrain.plugin.versions import asked_of, fits


def plugins(options: argparse.Namespace) -> int:
    """list, show NAME, check DIST, doctor."""
    what = options.what
    if what in ("show", "check") and not options.name:
        kind = "a plugin" if what == "show" else "a distribution, or DIST/NAME"
        raise PluginError(f"[plugins {what}] received no name; expected that of {kind}; see powertrain plugins list")
    if what == "show":
        say(dumps(listing.details(options.name)) if options.json else listing.describe(options.name))
        return FINE
    if what == "check":
        return check(options.name, options.seconds, options.json)
    if what == "doctor":
        return doctor(options.seconds, options.json)
    say(dumps(listing.as_json()) if options.json else listing.as_text())
    return FINE


def check(distribution: str, seconds: float, as_json: bool) -> int:
    """Examine the plugins of a distribution, or one of them; exit code 1 where one breaks a promise."""
    from powertrain.conformance import Checked, check_distribution

    def progress(one: Checked) -> None:
        state = "right" if one.right and one.examined else "wrong" if not one.right else "not examined"
        lines = [f"{state:<6} {one.plugin.group} {one.plugin.full_name}"]
        lines += [f"       {finding.code}: {finding.line()}" for finding in one.findings]
        say("\n".join(lines), flush=True)

    checked = check_distribution(registry(), distribution, seconds, None if as_json else progress)
    if as_json:
        rows = [
            {**one.plugin._asdict(), "right": one.right, "examined": one.examined,
             "findings": [asdict(finding) for finding in one.findings]}
            for one in checked
        ]  # fmt: skip
        say(dumps(rows))
    return FINE if all(one.right for one in checked) else MISSED


def doctor(seconds: float, as_json: bool) -> int:
    """What is installed, and what of it is broken, for another engine, not read, shadowed or ambiguous."""
    found = listing.as_json()
    by_distribution: dict[str, list[Plugin]] = {}
    for plugin in registry().plugins():
        if plugin.distribution != ENGINE:
            by_distribution.setdefault(plugin.distribution, []).append(plugin)
    by_distribution = dict(sorted(by_distribution.items()))
    with ThreadPoolExecutor(max_workers=2) as pool:
        causes = list(pool.map(lambda entries: _probe(entries, seconds), by_distribution.values()))
    broken = [
        {"plugin": plugin.full_name, "group": plugin.group, "cause": cause}
        for entries, said in zip(by_distribution.values(), causes, strict=True)
        for plugin, cause in zip(entries, said, strict=True)
        if cause
    ]
    outside = [
        {"distribution": name, "asks": ",".join(asked), "engine": _core.__version__}
        for name in by_distribution
        if not fits(_core.__version__, asked := asked_of(name, ENGINE))
    ]
    report: dict[str, Any] = {
        "distributions": {name: len(entries) for name, entries in by_distribution.items()},
        "broken": broken,
        "outside": outside,
        **{key: found[key] for key in ("strays", "unreadable", "shadowed", "conflicts")},
    }
    say(dumps(report) if as_json else _as_text(report))
    return MISSED if any(report[key] for key in ("broken", "outside", "unreadable", "strays")) else FINE


def _probe(entries: Sequence[Plugin], seconds: float) -> list[str]:
    """Why each entry of a distribution cannot be imported; empty where it can."""
    from powertrain.conformance.process import run_apart

    ended = run_apart({"task": "probe", "entries": [entry._asdict() for entry in entries]}, entries[0].module, seconds)
    if ended.how == "fine":
        return [one["cause"] for one in ended.answer]
    if len(entries) == 1:
        one = entries[0]
        name = f"[plugin {one.full_name}] {one.distribution} {one.version}"
        return [f"{name}: {ended.words}; expected a plugin that can be imported; fix or uninstall it"]
    return [cause for entry in entries for cause in _probe([entry], seconds)]  # which of them it was


def _as_text(report: dict[str, Any]) -> str:
    lines = [f"{name}: {count} plugins" for name, count in report["distributions"].items()]
    lines += [f"broken     {one['cause']}" for one in report["broken"]]
    lines += [
        f"outside    {one['distribution']} asks for powertrain{one['asks']}, and this is {one['engine']}; install "
        "versions that fit"
        for one in report["outside"]
    ]
    lines += listing.troubles()
    return "\n".join(lines) if len(lines) else "nothing but the engine's own plugins is installed; they are in order"
