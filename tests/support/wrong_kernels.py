"""Kernels that are wrong in one way each: (the code of the finding, what its text must say, changes to the C source,
changes to the Python source). Both are changes to the right kernel below: rows of x, each times its number of w."""

from __future__ import annotations

SOURCE = """
#include <math.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#if defined(__x86_64__)
#include <xmmintrin.h>
#endif
#include <powertrain.h>
#define ABI
POWERTRAIN_PLUGIN
typedef float T;

PT_EXPORT int32_t scale_rows(const PtCall* call) {
  const T* x = call->inputs[0].data;
  const T* w = call->inputs[1].data;
  T* y = call->outputs[0].data;
  const int64_t rows = call->outputs[0].shape[0], columns = call->outputs[0].shape[1];
  const double bias = call->attributes[0].value.number;
  (void)rows;
  if (bias > 1e6) return pt_fail(call, "received a bias above 1e6; expected less; lower it");
  /* before */
  for (int64_t i = call->begin; i < call->end; ++i) {
    for (int64_t j = 0; j < columns; ++j) y[i * columns + j] = x[i * columns + j] * w[i] + (T)bias;
  }
  /* after */
  return 0;
}

PT_EXPORT void twice(int64_t n, T* out, const T* const* in, const double* attributes) {
  (void)attributes;
  for (int64_t i = 0; i < n; ++i) out[i] = 2 * in[0][i];
}
"""
PLUGIN = """
from dataclasses import dataclass
from pathlib import Path
import numpy as np
import powertrain as pt
from powertrain.plugin import Case, CLibrary, Kernel, Numba, param

LIBRARY = Path(__file__).with_name(Path(__file__).stem + "_library")

@dataclass(frozen=True)
class Params:
    bias: float = param(0.0, doc="added to all")

def shape(x, w, bias):
    return x

def vjp(inputs, outputs, grads, bias):
    (x, w), (g,) = inputs, grads
    return g * pt.reshape(w, (-1, 1)), pt.sum(g * x, axis=1)

def reference(x, w, bias):
    return x * pt.reshape(w, (-1, 1)) + bias

draw = np.random.Generator(np.random.Philox(3))
CASES = [Case(draw.normal(size=(6, 5)), draw.normal(size=6), bias=0.5), Case(draw.normal(size=(40, 33)), np.ones(40))]
it = Kernel(
    "scale_rows", CLibrary(LIBRARY, float32="scale_rows"), inputs=["x", "w"], params=Params, split=True,
    shape=shape, vjp=vjp, reference=reference, cases=CASES,
)
"""
ELEMENTWISE = """
from pathlib import Path
import powertrain as pt
from powertrain.plugin import CLibrary, Kernel

it = Kernel(
    "twice", CLibrary(Path(__file__).with_name(Path(__file__).stem + "_library"), float32="twice"), elementwise=True,
    vjp=lambda inputs, outputs, grads: grads[0] * 2.0, reference=lambda x: x * 2.0,
)
"""
Change = tuple[str, str]

WRONG: dict[str, tuple[str, str, list[Change], list[Change]]] = {
    "writes-past-the-end": (
        "out-of-bounds", "writes element 30 of the output, which has 30",
        [("/* after */", "y[call->end * columns] = 0;")], []),
    "reads-past-the-end": (
        "out-of-bounds", "reads element 6 of w, which has 6",
        [("/* before */", "volatile T past = w[rows]; (void)past;")], []),
    "writes-before-the-beginning": (
        "out-of-bounds", "writes before the first element of the output", [("/* before */", "y[-1] = 0;")], []),
    "writes-an-input": ("writes-input", "it writes to its input w", [("/* after */", "((T*)w)[0] = 1;")], []),
    "keeps-a-pointer": (
        "kept-pointer", "reads memory of an earlier call (x)",
        [("/* before */", "static const T* kept; if (!kept) kept = x; x = kept;")], []),
    "leaves-elements-out": (
        "unwritten", "6 of 30 elements of the output are not written, the first of them element 0",
        [("int64_t j = 0", "int64_t j = 1")], []),
    "adds-to-what-is-there": (
        "unwritten", "30 of 30 elements", [("+ j] = x", "+ j] += x")], []),
    "shares-a-static": (
        "not-thread-safe", "calls from 4 threads at once",
        [("/* before */", "static T row[4096];"), ("+ j] = x", "+ j] = 0, row[j] = x"),
         ("/* after */", "for (int64_t i = call->begin; i < call->end; ++i) { for (int64_t j = 0; j < columns; ++j) "
                         "row[j] = x[i * columns + j] * w[i] + (T)bias; memcpy(y + i * columns, row, sizeof(T) * "
                         "columns); }")], []),
    "counts-its-calls": (
        "not-repeatable", "two calls with the same inputs",
        [("/* before */", "static int calls; ++calls;"), ("(T)bias;", "(T)bias + calls;")], []),
    "null": ("crash", "it crashed with SIGSEGV at address 0x0",
             [("/* before */", "*(volatile int*)0;")], []),
    "divides-by-zero": ("crash", "it crashed with SIGFPE",
                        [("/* before */", "volatile int zero = 0; zero = (int)columns % zero;")], []),
    "fails": ("fails", "received a bias above 1e6; expected less", [("bias > 1e6", "bias < 1e6")], []),
    "fails-without-a-word": ("fails", "it returned 7", [("return 0;", "return 7;")], []),
    "flushes-small-numbers": (
        "floating-point-mode", "leaves the processor's floating-point mode changed",
        [("/* before */", "_MM_SET_FLUSH_ZERO_MODE(_MM_FLUSH_ZERO_ON);")], []),
    "knows-where-a-part-begins": (
        "parts-differ", "parts give other bits than all at once", [("(T)bias;", "(T)bias + (T)call->begin * 1e-7f;")],
        []),
    "wrong-result": ("wrong-result", "its output differs from the reference's by", [("* w[i]", "* w[0]")], []),
    "other-version": ("abi-version", "it was built for version 99 of the ABI",
                      [("#define ABI", "#undef POWERTRAIN_ABI_VERSION\n#define POWERTRAIN_ABI_VERSION 99")], []),
    "no-version": ("abi-version", "it does not say its version", [("POWERTRAIN_PLUGIN", "")], []),
    "missing-function": ("missing-symbol", "has no function scale_cols", [],
                         [('float32="scale_rows"', 'float32="scale_cols"')]),
    "hidden-function": ("missing-symbol", "has no function scale_rows",
                        [("PT_EXPORT int32_t scale_rows", "static __attribute__((unused)) int32_t scale_rows")], []),
    "undefined-symbol": ("no-library", "undefined symbol: somebody_elses",
                         [("/* before */", "extern void somebody_elses(void); somebody_elses();")], []),
    "no-library": ("no-library", "there is no such file", [], [('stem + "_library"', 'stem + "_nowhere"')]),
    "wrong-shape-rule": ("shape-rule", "its shape rule gives float32[5, 6], and its reference float32[6, 5]", [],
                         [("    return x\n", "    return x[::-1]\n")]),
    "shape-rule-raises": ("raises", "the shape rule of case 0 in float32 raised ZeroDivisionError", [],
                          [("    return x\n", "    return 1 // 0\n")]),
    "shape-rule-gives-no-shape": ("raises", "its shape rule gave (-6, 5)", [],
                                  [("    return x\n", "    return -x[0], x[1]\n")]),
    "wrong-gradient": ("wrong-gradient", "the gradient of w is", [],
                       [("pt.sum(g * x, axis=1)", "pt.mean(g * x, axis=1)")]),
    "gradient-of-another-shape": ("raises", "its vjp gave f32[6, 5] for input 1; expected the shape of f32[6]", [],
                                  [("pt.sum(g * x, axis=1)", "g * x")]),
    "one-gradient-of-two": ("raises", "its vjp gave 1 gradients; expected 2, one for each input", [],
                            [(", pt.sum(g * x, axis=1)", "")]),
    "stops-the-gradient": (
        "wrong-gradient", "the gradient along a random direction is", [],
        [("x * pt.reshape(w", "x * pt.reshape(pt.stop_gradient(w)"), ("pt.sum(g * x, axis=1)", "w * 0.0")]),
    "parameter-without-effect": (
        "parameter-unused", "the parameter bias has no effect: results stay the same with",
        [(" + (T)bias", "")], [("w, (-1, 1)) + bias", "w, (-1, 1))")]),
    "bare-error": (
        "bad-error", "with bias = 0.0, which it allows, it raised ZeroDivisionError", [],
        [("param(0.0, doc", "param(0.5, low=0, doc"), ("    return x\n", "    1 / bias\n    return x\n")]),
    "ignores-a-parameter": (
        "wrong-result", "with bias = 0.25 it differs from the reference by", [("(T)bias;", "0.5f;")],
        [("np.ones(40)", "np.ones(40), bias=0.5")]),
    "no-reference": ("no-reference", "it has no reference", [], [("reference=reference, ", "")]),
    "no-cases": ("no-cases", "it has no cases", [], [("cases=CASES,", "")]),
    "wrong-case": ("case", "received \"much\"; expected a number", [], [("bias=0.5", 'bias="much"')]),
    "no-kernel": ("protocol", "it is a function; expected a powertrain.plugin.Kernel", [],
                  [("draw =", "def it(): pass\ndraw ="), ("it = Kernel(", "other = Kernel(")]),
    "engines-name": ("name-clash", "the engine has an op of that name; expected another; rename the kernel", [],
                     [('"scale_rows", CL', '"matmul", CL')]),
    "numba-cannot": ("not-compiled", "Numba cannot compile", [],
                     [('CLibrary(LIBRARY, float32="scale_rows")', 'Numba(lambda *a: open(a), ["float32"])')]),
}  # fmt: skip

WRONG_ELEMENTWISE: dict[str, tuple[str, str, list[Change], list[Change]]] = {
    "neighbours": ("parts-differ", "parts give other bits", [("2 * in[0][i]", "2 * in[0][0] + 0 * in[0][i]")], []),
    "one-too-many": ("out-of-bounds", "writes element 7 of the output, which has 7",
                     [("out[i] = 2", "out[i + 1] = 2")], []),
    "half": ("unwritten", "elements of the output are not written", [("i < n", "i < n / 2")], []),
    "thrice": ("wrong-result", "differs from the reference's", [("2 * in", "3 * in")], []),
    "far-out": ("wrong-result", "it makes 200 of 300, and its reference 600",
                [("2 * in[0][i]", "in[0][i] > 100 ? 200 : 2 * in[0][i]")], []),
    "hides-nan": ("wrong-result", "it makes 0 of nan, and its reference nan; expected the same; a NaN stays one",
                  [("2 * in[0][i]", "in[0][i] == in[0][i] ? 2 * in[0][i] : 0")], []),
    "static-scratch": ("not-thread-safe", "calls from 4 threads at once give another result than alone",
                       [("PT_EXPORT void twice", "static volatile T scratch[4096];\nPT_EXPORT void twice"),
                        ("out[i] = 2 * in[0][i];", "scratch[i & 4095] = 2 * in[0][i];\n"
                         "  for (int64_t i = 0; i < n; ++i) out[i] = scratch[i & 4095];")], []),
    "wrong-slope": ("wrong-gradient", "the gradient of x is 4.64366 at [3], and the reference's is 3.09577", [],
                    [("grads[0] * 2.0", "grads[0] * 3.0")]),
}  # fmt: skip

# These end, or never end, the process that they are in.
LETHAL: dict[str, tuple[str, str, list[Change]]] = {
    "never-ends": ("hang", "it used more than", [("/* before */", "for (volatile int i = 0;; ++i) { }")]),
    "exits": ("exit", "it ended its process with code 3", [("/* before */", "exit(3);")]),
    "aborts": ("crash", "it crashed with SIGABRT", [("/* before */", "abort();")]),
    "overflows-the-stack": (
        "crash", "it crashed with SIGSEGV",
        [("/* before */", "volatile char much[1 << 30]; much[0] = 1; much[(1 << 30) - 1] = much[0];")]),
    "prints": ("prints", "it printed more than 1 MiB",
               [("/* before */", 'for (int i = 0; i < 400000; ++i) printf("much ado about nothing");')]),
}  # fmt: skip


def changed(source: str, changes: list[Change]) -> str:
    for old, new in changes:
        assert source.count(old) >= 1, old
        source = source.replace(old, new)
    return source
