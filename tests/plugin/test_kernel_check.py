"""The conformance kit names the right fault in each wrong kernel, and finds none in right ones."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from test_check import examine
from test_discovery import distribution

import wrong_kernels
from c_library import build, needs_compiler
from powertrain.conformance import check_distribution
from powertrain.conformance.finding import Finding
from powertrain.plugin.registry import Registry

ALL = {
    **{name: (wrong_kernels.PLUGIN, *row) for name, row in wrong_kernels.WRONG.items()},
    **{name: (wrong_kernels.ELEMENTWISE, *row) for name, row in wrong_kernels.WRONG_ELEMENTWISE.items()},
}


def found_in(name: str, plugin: str, source: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[Finding]:
    build(source, folder / f"examined_{name.replace('-', '_')}_library.so")
    return examine("kernel", name, plugin, folder, monkeypatch)


@needs_compiler
@pytest.mark.parametrize("name", ALL)
def test_a_wrong_kernel_is_named_with_its_fault(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plugin, code, text, in_c, in_python = ALL[name]
    if name == "numba-cannot":
        pytest.importorskip("numba")
    source = wrong_kernels.changed(wrong_kernels.SOURCE, in_c)
    found = found_in(name, wrong_kernels.changed(plugin, in_python), source, tmp_path, monkeypatch)
    assert [one.code for one in found] == [code], "\n".join(one.line() for one in found) or "no finding"
    assert text in found[0].line()
    assert found[0].where and found[0].expected and found[0].fix


@needs_compiler
@pytest.mark.parametrize("plugin", ["PLUGIN", "ELEMENTWISE"])
def test_what_the_wrong_ones_are_made_from_is_right(
    plugin: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = getattr(wrong_kernels, plugin)
    found = found_in(f"right-{plugin.lower()}", source, wrong_kernels.SOURCE, tmp_path, monkeypatch)
    assert [one.line() for one in found] == []


@needs_compiler
@pytest.mark.slow
def test_one_that_ends_its_process_is_a_finding_like_any_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = []
    for name, (_, _, changes) in wrong_kernels.LETHAL.items():
        module = f"lethal_{name.replace('-', '_')}"
        build(wrong_kernels.changed(wrong_kernels.SOURCE, changes), tmp_path / f"{module}_library.so")
        (tmp_path / f"{module}.py").write_text(wrong_kernels.PLUGIN, encoding="utf-8")
        lines.append(f"{name} = {module}:it")
    distribution(tmp_path, "lethal-kernels", "[powertrain.v1.kernel]\n" + "\n".join(lines) + "\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    checked = check_distribution(Registry(lambda: sys.path), "lethal-kernels", seconds=15)
    said = {one.plugin.name: one for one in checked}
    for name, (code, text, _) in wrong_kernels.LETHAL.items():
        found = said[name].findings
        assert [one.code for one in found] == [code], f"{name}: {[one.line() for one in found]}"
        assert text in found[0].line()
