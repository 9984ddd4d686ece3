"""The API reference has an entry for every public name, made from its docstring, with what a reader needs."""

from __future__ import annotations

import functools
import inspect
import re
from pathlib import Path

import pytest

import powertrain as pt
from powertrain.ops.functional import documentation
from website.docstrings import markdown, parse, prose
from website.example_pages import examples_page
from website.names import Name
from website.pages import Reference


@functools.cache
def reference() -> Reference:
    pytest.importorskip("sklearn", reason="pt.sklearn is public where scikit-learn is installed")
    return Reference()


@functools.cache
def pages() -> dict[str, str]:
    return reference().pages()


def described() -> list[Name]:
    return [one for found in reference().names.values() for one in found if reference().has_page(one)]


def test_every_public_name_has_an_entry() -> None:
    found = reference()
    lacking = []
    for names in found.names.values():
        for one in names:
            home = found.homes[one.full]
            value = one.kind == "value"
            page = pages()[f"{one.module}.md"] if value else pages()[found.files[home]]
            if f"}} {one.name if value else home}" not in page:
                lacking.append(one.full)
    assert lacking == []
    assert len(found.homes) > 1000


def test_what_only_says_what_to_write_is_no_part_of_a_page() -> None:
    """Names of other libraries that are there for their error: EMA.update_parameters, Optimizer.zero_grad."""
    page = pages()["powertrain.optim.EMA.md"]
    assert "} update()" in page and "update_parameters" not in page and "} module" not in page
    assert "zero_grad" not in pages()["powertrain.optim.Optimizer.md"]


KNOWN = (
    "powertrain.matmul", "powertrain.nn.Linear", "powertrain.optim.AdamW", "powertrain.fit", "powertrain.plugin.Model",
    "powertrain.nn.functional.cross_entropy", "powertrain.linalg.svd", "powertrain.sklearn.Classifier",
)  # fmt: skip


@pytest.mark.parametrize("name", KNOWN)
def test_names_that_people_look_for_are_among_them(name: str) -> None:
    assert name in reference().homes


def test_each_says_what_it_is() -> None:
    assert [one.full for one in described() if one.kind != "exception" and not documentation(one.value)] == []


def test_each_function_shows_how_it_is_called() -> None:
    functions = [one for one in described() if one.kind == "function"]
    text = {one.full: pages()[reference().files[one.full]] for one in functions}
    assert [full for full in text if f"}} {full}(" not in text[full]] == []
    assert [full for full in text if f"}} {full}(*args, **kwargs)" in text[full]] == []


def test_no_page_shows_what_only_python_reads() -> None:
    """An address of an object, the signature that pybind11 puts into a docstring."""
    assert [name for name, text in pages().items() if " at 0x" in text] == []
    assert [name for name, text in pages().items() if re.search(r"^\S+\(.*powertrain\._core.*\) -", text, re.M)] == []


def test_every_function_and_class_has_an_example() -> None:
    """In its docstring, where it runs as a test."""
    shown = [one for one in described() if one.kind in ("function", "class")]
    assert [one.full for one in shown if ">>> " not in documentation(one.value)] == []


def test_the_page_of_examples_shows_each_script(tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "a.py").write_text('"""Train *a*. And b."""\nprint(1)\n', encoding="utf-8")
    (tmp_path / "z.py").write_text("print(2)\n", encoding="utf-8")
    page = examples_page(tmp_path).splitlines()
    assert [line for line in page if line.startswith("## ")] == ["## z.py", "## more/a.py"]
    assert r"Train \*a\*. And b." in page and "print(1)" in page and "print(2)" in page


# ---------------------------------------------------------------- docstrings as Markdown

SAID = """Divide each row by its norm, of x_1 <= 3. And more.

x           what is divided, `a_b` or *
low, high
            two numbers,
            of which one is lower

Then a word.

Shapes    x [..., n] -> [..., n];
          a scalar too
Errors    n = 0
Example
    >>> pt.ones((2,)).tolist()
    [1.0, 1.0]
"""


def test_a_docstring_is_read_by_its_parts() -> None:
    found = parse(SAID)
    assert found.summary == "Divide each row by its norm, of x_1 <= 3"
    assert found.rows == [("x", "what is divided, `a_b` or *"), ("low, high", "two numbers, of which one is lower")]
    assert found.sections == [("Shapes", "x [..., n] -> [..., n]; a scalar too"), ("Errors", "n = 0")]
    assert found.examples == [">>> pt.ones((2,)).tolist()\n[1.0, 1.0]"]
    assert found.paragraphs == ["Divide each row by its norm, of x_1 <= 3. And more."] and found.after == [
        "Then a word."
    ]


def test_markdown_keeps_signs_and_code() -> None:
    lines = markdown(parse(SAID))
    assert lines[0] == r"Divide each row by its norm, of x\_1 \<= 3. And more."
    assert r"| `x` | what is divided, `a_b` or \* |" in lines and "| `low`, `high` | two numbers, of which" in lines[5]
    assert r":Shapes: x \[..., n\] -\> \[..., n\]; a scalar too" in lines
    assert lines[-7:] == ["**Example**", "", "```pycon", ">>> pt.ones((2,)).tolist()", "[1.0, 1.0]", "```", ""]
    assert markdown(parse("the sum."))[0] == "The sum." and markdown(parse("x @ w, summed"))[0] == "x @ w, summed"
    assert prose("as docs/fit.md says") == "as `docs/fit.md` says"
    assert prose("- one") == r"\- one" and prose("1. one") == r"\1. one"


@pytest.mark.parametrize("op", ["exp", "matmul", "conv2d"])
def test_help_and_the_page_show_the_example_of_an_op_once(op: str) -> None:
    value = getattr(pt, op, None) or getattr(pt.nn.functional, op)
    spec = next(one for one in pt._core.ops() if one["name"] == op)
    first = spec["example"].strip().splitlines()[0]
    assert str(value.__doc__).count(first) == 1 and inspect.getdoc(value) == value.__doc__
    page = pages()[reference().files[reference().homes[f"{value.__module__}.{op}"]]]
    assert page.count(first) == 1


@pytest.mark.parametrize("op", ["exp", "matmul", "conv2d"])
def test_the_sections_of_an_op_are_fields(op: str) -> None:
    value = getattr(pt, op, None) or getattr(pt.nn.functional, op)
    fields = [name for name, _ in parse(documentation(value)).sections]
    assert fields[:3] == ["Shapes", "Dtypes", "Errors"]


def test_a_property_that_is_kept_is_no_method() -> None:
    page = pages()["powertrain.data.DataModule.md"]
    assert "{py:property} example\n" in page and "{py:method} example" not in page


def test_an_exception_that_is_made_of_parts_shows_them() -> None:
    assert "DataError(where: str, received: str, expected: str, fix: str)" in pages()["powertrain.data.DataError.md"]
    assert "{py:exception} powertrain.plugin.ModelError\n" in pages()["powertrain.plugin.ModelError.md"]


def test_the_code_of_a_kernel_is_not_named_as_the_rows_of_a_data_set() -> None:
    """The site links a type in a signature by its short name."""
    assert "forward: KernelCode" in pages()["powertrain.plugin.Kernel.md"]
    assert not hasattr(pt.data, "KernelCode")
