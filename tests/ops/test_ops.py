"""Every op through every oracle: one case file (tests/cases/<op>.py) feeds all the tests here."""

from __future__ import annotations

import doctest
import operator
import os
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mutants_elsewhere
import powertrain as pt
from calls import (
    OPS,
    SPECS,
    Variables,
    call,
    check_outputs,
    cotangents,
    derivative,
    first_dtype,
    float_elements,
    gradients,
    outputs,
    reference,
    strided,
    to_array,
    to_tensor,
    weighted,
    weighted_sum,
)
from kit import FLOATS, Case, case_files, one_of_each_form
from oracles import EPS, check, directional, same_bits

OWN = pt._core.op_function("copy")  # a tensor that is watched has an identity of its own
FILES = case_files()
PRESENT = sorted(set(FILES) & set(SPECS))
DIFFERENTIABLE = [name for name in PRESENT if SPECS[name]["differentiable"]]
COMPOSED = [name for name in DIFFERENTIABLE if SPECS[name]["has_compose"]]


def test_every_op_has_a_case_file() -> None:
    missing = sorted(set(OPS) - set(FILES))
    assert not missing, f"ops without tests/cases/<op>.py: {', '.join(missing)}"


def test_every_case_file_has_an_op() -> None:
    assert not sorted(set(FILES) - set(SPECS))


def test_mutants_apply() -> None:
    """Each row names text that is in the source: else `make mutants` would test nothing."""
    ops = Path(__file__).parents[2] / "cpp" / "ops"
    for name in PRESENT:
        for file, text, replacement in getattr(FILES[name], "MUTANTS", []):
            assert text != replacement
            # An op whose source lies in another's folder has none of its own.
            path = Path(os.path.normpath(ops / name / file))
            assert text in path.read_text(encoding="utf-8"), f"{name}: {file} has no {text!r}"
    for part, here in mutants_elsewhere.PARTS.items():
        for file, text, replacement in here.rows:
            assert text != replacement
            assert text in (ops.parent.parent / file).read_text(encoding="utf-8"), f"{part}: {file} has no {text!r}"


def smooth_cases(name: str) -> list[Case]:
    """Cases with float inputs, small enough for difference quotients, at points where they mean something."""
    most = getattr(FILES[name], "GRADIENT_SIZE", 4000)
    return [case for case in FILES[name].CASES if case.differentiable and 0 < float_elements(case) <= most]


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", PRESENT)
def test_forward(name: str, dtype: str) -> None:
    module = FILES[name]
    if dtype not in getattr(module, "DTYPES", FLOATS):
        return
    for case in module.CASES:
        want, mag = reference(module, case, dtype)
        check_outputs(module, call(name, case, dtype), want, mag, f"{name} {case}")


@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_gradient(name: str) -> None:
    """<v, J u> by differences in float64 against <J^T v, u>, both v and u random, for each input by itself."""
    for case in smooth_cases(name):
        variables = Variables(name, case, "float64")
        weights = cotangents(variables)
        found = gradients(weighted(variables, weights, "float64"), variables)
        check_by_differences(variables, variables, weights, found, f"{name} {case}")


def check_by_differences(variables: Variables, function: Any, weights: list[Any], found: list[Any], where: str) -> None:
    """`found` must be the gradient of <weights, function> with respect to the variables; each moves by itself."""

    def value(points: list[Any]) -> tuple[float, float]:
        return weighted_sum([to_array(y) for y in function(*variables.tensors(points))], weights)

    rng = np.random.default_rng(2)
    for i, point in enumerate(variables.points):
        along = [rng.standard_normal(p.shape) * (j == i) for j, p in enumerate(variables.points)]
        want, uncertainty = directional(value, variables.points, along)
        got, size = weighted_sum([found[i]], [along[i]])
        assert found[i].shape == point.shape
        assert abs(got - want) <= uncertainty + 64 * EPS["float64"] * size, (
            f"{where}, input {i}: <J^T v, u> = {got!r}, by differences {want!r} +- {uncertainty:.2g}"
        )


@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_gradient_from_given_cotangents(name: str) -> None:
    """As that of <v, f(x)>, whose own product and sum would turn a wrong sign of theirs around twice."""
    for case in smooth_cases(name)[:6]:
        variables = Variables(name, case, "float64")
        weights = cotangents(variables)
        watched = [OWN(tensor) for tensor in variables.tensors()]
        results = pt._core.with_tape(watched, lambda variables=variables, watched=watched: variables(*watched))
        found = pt._core.gradients(results, [to_tensor(weight, "float64") for weight in weights], watched)
        for got, want in zip(found, gradients(weighted(variables, weights, "float64"), variables), strict=True):
            np.testing.assert_array_equal(to_array(got), want, err_msg=f"{name} {case}")


@pytest.mark.parametrize("name", [name for name in DIFFERENTIABLE if hasattr(FILES[name], "GRADIENTS")])
def test_gradient_at_special_points(name: str) -> None:
    """At infinities, at 0 and at ties a gradient is a choice, which the case file states."""
    for case, wanted in FILES[name].GRADIENTS:
        variables = Variables(name, case, "float64")
        ones = [np.ones_like(weight) for weight in cotangents(variables)]
        found = gradients(weighted(variables, ones, "float64"), variables)
        for got, want in zip(found, wanted, strict=True):
            np.testing.assert_array_equal(got, np.asarray(want, "float64"), err_msg=f"{name} {case}")


@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_float32_gradient(name: str) -> None:
    """The float32 kernels of the gradient against the float64 ones, on the scale of the whole gradient."""
    k = getattr(FILES[name], "K_GRADIENT", 64)
    for case in smooth_cases(name):
        narrow = Variables(name, case, "float32")
        weights = cotangents(narrow)
        got = gradients(weighted(narrow, weights, "float32"), narrow)
        wide = Variables(name, case, "float32", computed_in="float64")
        want = gradients(weighted(wide, weights, "float64"), wide)
        for g, w in zip(got, want, strict=True):
            scale = np.sqrt(np.mean(w * w)) if w.size else np.zeros(())
            check(g, w, np.maximum(np.abs(w), scale), k, "float32", f"gradient of {name} {case}")


def definition_of(name: str) -> Any:
    """The op's `compose`, called as the op is."""
    names = [entry["name"] for entry in SPECS[name]["inputs"]]

    def call(*inputs: Any, **rest: Any) -> Any:
        by_name = {**dict(zip(names, inputs, strict=False)), **rest}
        given = [by_name.pop(key, None) for key in names]
        flat = [item for value in given for item in (value if isinstance(value, list) else [value])]
        return pt._core.compose(name, flat, by_name)

    return call


@pytest.mark.parametrize("name", COMPOSED)
def test_gradient_is_that_of_compose(name: str) -> None:
    composed = definition_of(name)
    for case in smooth_cases(name):
        variables = Variables(name, case, "float64")
        definition = Variables(name, case, "float64", function=composed)
        weights = cotangents(variables)
        for y, z in zip(variables(*variables.tensors()), definition(*definition.tensors()), strict=True):
            scale = np.max(np.abs(to_array(z)), initial=0.0)
            check(to_array(y), to_array(z), scale, 64, "float64", f"{name} {case} against its definition")
        got = gradients(weighted(variables, weights, "float64"), variables)
        want = gradients(weighted(definition, weights, "float64"), definition)
        for g, w in zip(got, want, strict=True):
            scale = np.max(np.abs(w), initial=0.0)
            check(g, w, scale, 256, "float64", f"gradient of {name} {case} against its definition's")


@pytest.mark.parametrize("name", [name for name in DIFFERENTIABLE if getattr(FILES[name], "SECOND", True)])
def test_second_derivative(name: str) -> None:
    """The gradient of <J^T v, w> by differences of the gradient."""
    for case in one_of_each_form(case for case in smooth_cases(name) if case.twice):
        variables = Variables(name, case, "float64")
        first = derivative(weighted(variables, cotangents(variables), "float64"), variables)
        rng = np.random.default_rng(3)
        directions = [rng.standard_normal(p.shape) for p in variables.points]
        found = gradients(weighted(first, directions, "float64"), variables)
        check_by_differences(variables, first, directions, found, f"second derivative of {name} {case}")


@pytest.mark.parametrize("name", PRESENT)
def test_compiled_is_eager(name: str) -> None:
    """Law 2, op by op: the same bits, also of the gradient, and on a second call with the program that is there."""
    module = FILES[name]
    dtype = first_dtype(module)
    for case in module.CASES:
        variables = Variables(name, case, dtype)
        tensors = variables.tensors()
        eager = [to_array(y) for y in variables(*tensors)]
        compiled = pt.compile(lambda *xs, variables=variables: tuple(variables(*xs)))
        for _ in range(2):
            again = [to_array(y) for y in outputs(compiled(*tensors))]
            assert all(map(same_bits, again, eager)), f"{name} {case}: compiled differs from eager"
        if name in DIFFERENTIABLE and case.differentiable and float_elements(case):
            gradient = derivative(weighted(variables, cotangents(variables), dtype), variables)
            eager = [to_array(g) for g in gradient(*tensors)]
            compiled = pt.compile(lambda *xs, gradient=gradient: tuple(gradient(*xs)))
            again = [to_array(g) for g in outputs(compiled(*tensors))]
            assert all(map(same_bits, again, eager)), f"gradient of {name} {case}: compiled differs from eager"


@pytest.mark.parametrize("name", PRESENT)
def test_strides_do_not_matter(name: str) -> None:
    """Law 3: the same bits from a transposed or sliced input as from its contiguous copy."""
    module = FILES[name]
    dtype = first_dtype(module)
    for case in module.CASES:
        variables = Variables(name, case, dtype)
        want = [to_array(y) for y in variables(*variables.tensors())]
        for form in (0, 1):
            tensors = [strided(p, dtype, form) if p.ndim else to_tensor(p, dtype) for p in variables.points]
            got = [to_array(y) for y in variables(*tensors)]
            assert all(map(same_bits, got, want)), f"{name} {case}: strides change the result (form {form})"


HEADINGS = ["Shapes", "Dtypes", "Errors", "Grad", "Numerics", "Source"]
ERRORS = [(name, i) for name in PRESENT for i in range(len(getattr(FILES[name], "ERRORS", [])))]


@pytest.mark.parametrize(("name", "index"), ERRORS)
def test_error(name: str, index: int) -> None:
    case, exception, text = FILES[name].ERRORS[index]
    with pytest.raises(exception) as caught:
        call(name, case, "float32")
    assert str(caught.value) == text


def check_place(name: str, example: str) -> None:
    """An example calls the op where it is public."""
    for holder in re.findall(rf"\b(pt(?:\.\w+)*)\.{name}\(", example):
        where = pt if holder == "pt" else operator.attrgetter(holder.removeprefix("pt."))(pt)
        assert name in dir(where), (
            f"{name}: its example calls {holder}.{name}, where it is not; the lists of "
            "python/powertrain/ops/namespaces.py say in which module an op is public; one of no list is one of pt"
        )


def test_an_example_that_calls_an_op_elsewhere_is_told_of_the_lists() -> None:
    check_place("softsign", ">>> pt.nn.functional.softsign(1.0)")
    with pytest.raises(AssertionError, match=r"calls pt\.softsign, .* python/powertrain/ops/namespaces\.py say"):
        check_place("softsign", ">>> pt.softsign(1.0)")


@pytest.mark.parametrize("name", OPS)
def test_documentation(name: str) -> None:
    """Each op says what it does, by the headings of docs/adding-an-op.md; each example runs and gives what it says."""
    spec = SPECS[name]
    first, *rest = re.split(r"\n(?=[A-Z][a-z]+  )", spec["doc"])
    assert first.strip(), f"{name} has no documentation"
    headings = [text.split(maxsplit=1)[0] for text in rest if len(text.split(maxsplit=1)) == 2]
    assert headings == [known for known in HEADINGS if known in headings], f"{name}: {headings}, expected {HEADINGS}"
    missing = set(HEADINGS) - {*headings, "Numerics"}
    assert not missing, f"{name} does not say its {', '.join(missing)}"
    says_none = next(text for text in rest if text.startswith("Grad")).split()[1:] == ["none"]
    assert spec["example"].lstrip().startswith(">>> "), f"{name} has no example"
    assert not (says_none and spec["differentiable"] and smooth_cases(name)), f"{name} has a gradient"
    check_place(name, spec["example"])
    test = doctest.DocTestParser().get_doctest(spec["example"], {"pt": pt, "np": np}, name, None, 0)
    report: list[str] = []
    doctest.DocTestRunner(verbose=False).run(test, out=report.append)
    assert not report, "".join(report)
