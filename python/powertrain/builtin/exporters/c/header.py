"""A program as the text of a header: constants, static arrays, and one block of loops for each call of an op."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from powertrain.builtin.exporters.c import elementwise, moves, sums
from powertrain.builtin.exporters.c.buffers import Buffers, last_reads
from powertrain.builtin.exporters.c.writing import TYPES, Array, array, comment, quoted
from powertrain.plugin.backends import Call
from powertrain.plugin.exporter import ExportError, Program

if TYPE_CHECKING:
    from powertrain.plugin.exporter import Trained

Rule = Callable[[Call, Sequence[Array], Array], list[str]]
RULES: dict[str, Rule] = {**dict.fromkeys(elementwise.OPS, elementwise.elementwise), **moves.RULES, **sums.RULES}
VIEWS = ("reshape",)  # the same memory under another shape
OPS = (*RULES, *VIEWS)
MOST_NUMBERS = 1_000_000  # of constants: a compiler takes seconds for so many


def header(trained: Trained, program: Program, labels: Sequence[str], chooses: bool) -> str:
    """The text of the header. It is a function of the program and of names that are made safe here."""
    graph, name = program.graph, trained.name
    count = sum(tensor.size for tensor in graph.constants.values())
    if count > MOST_NUMBERS:
        raise ExportError(
            f"[export c] the model has {count:,} numbers; expected at most {MOST_NUMBERS:,}, which a compiler reads in "
            "seconds; train a smaller one, or export it to another format"
        )
    x, y = graph.values[program.x], graph.values[program.output]
    inputs, outputs = Array("x", x.dtype, x.shape[1:]), Array("y", y.dtype, y.shape[1:])
    constants, static, body = _body(program)
    upper = name.upper()
    shape = " x ".join(map(str, inputs.shape)) or "1"
    weights = ", ".join(comment(one) for one in program.names.values())
    lines = [
        f"/* {name}: a model that was trained with Powertrain. C99, static memory, no library but <math.h>.",
        "",
        f"   Write #define {upper}_IMPLEMENTATION in one C file before it includes this header.",
        f"   {name}_predict reads {inputs.size} numbers ({shape}), as the data has them before any transform.",
        f"   It writes {outputs.size}. Its memory is static: one call at a time.",
        f"   Weights: {weights or 'none'}. */",
        f"#ifndef {upper}_H", f"#define {upper}_H", "#include <stdint.h>", "",
        f"#define {upper}_INPUTS {inputs.size}", f"#define {upper}_OUTPUTS {outputs.size}", "",
        "#ifdef __cplusplus", 'extern "C" {', "#endif",
        f"void {name}_predict(const {inputs.kind} *x, {outputs.kind} *y);",
        *([f"int {name}_class(const {outputs.kind} *y); /* {_choice(trained)} */"] if chooses else []),
        *([f"extern const char *const {name}_labels[{len(labels)}];"] if labels else []),
        "#ifdef __cplusplus", "}", "#endif", f"#endif /* {upper}_H */", "",
        f"#ifdef {upper}_IMPLEMENTATION", "#include <math.h>", "",
        *(_prefixed(line, name) for line in (*constants, *static)), "",
        f"void {name}_predict(const {inputs.kind} *x, {outputs.kind} *y) {{",
        *(f"    {_prefixed(line, name)}" for line in body),
        "}", "",
        *(_class(trained, outputs) if chooses else []),
        *_labels(name, labels),
        f"#endif /* {upper}_IMPLEMENTATION */", "",
    ]  # fmt: skip
    return "\n".join(lines)


def _prefixed(line: str, name: str) -> str:
    """`@` stands in front of names that the whole C file sees."""
    return line.replace("@", f"{name}_")


def _body(program: Program) -> tuple[list[str], list[str], list[str]]:
    """Constants, static arrays and the statements of `predict`."""
    graph = program.graph
    root = {value: value for value in range(len(graph.values))}
    for node in graph.nodes:
        if node.op in VIEWS:
            root[node.outputs[0]] = root[node.inputs[0]]  # type: ignore[index]
    last, buffers = last_reads(graph.nodes, program.output, root), Buffers()
    held = {program.x: "x", **{number: f"@w{number}" for number in graph.constants}}
    constants = []
    for number in graph.constants:
        dtype = graph.values[number].dtype
        note = f"  /* {comment(program.names[number])} */" if number in program.names else ""
        first, _, rest = array(TYPES[dtype], f"@w{number}", program.array(number), dtype).partition("\n")
        constants += [first + note, rest]
    body: list[str] = []
    for at, node in enumerate(graph.nodes):
        operands = [_array(program, number, held, root) for number in node.inputs if number is not None]
        result = node.outputs[0]
        if any(one in last for one in node.outputs[1:]):
            raise ExportError(
                f"[export c] {node.op} at {node.where} is read for its second result; expected the first alone; write "
                "that line with other ops"
            )
        if node.op not in VIEWS:
            value = graph.values[result]
            held[result] = f"@{buffers.take(value.dtype, max(_size(value.shape), 1))}"
            out = _array(program, result, held, root)
            where = node.where.replace("\\", "/").rpartition("/")[2]
            body.append(f"/* {comment(node.op)} {comment(str(value))} {comment(where)} */")
            body += RULES[node.op](graph.call(node), operands, out)
        for number in {root[one] for one in (*node.inputs, result) if one is not None}:
            if last.get(number, -1) <= at:
                buffers.give_back(held[number].removeprefix("@"))
    last_one = _array(program, program.output, held, root)
    body.append(f"for (long i = 0; i < {last_one.size}; i++) y[i] = {last_one.name}[i];")
    static = [f"static {TYPES[buffers.dtypes[name]]} @{name}[{size}];" for name, size in buffers.sizes.items()]
    return constants, static, body


def _array(program: Program, number: int, held: dict[int, str], root: dict[int, int]) -> Array:
    value = program.graph.values[number]
    return Array(held[root[number]], value.dtype, value.shape)


def _size(shape: Sequence[int]) -> int:
    size = 1
    for extent in shape:
        size *= extent
    return size


def _choice(trained: Trained) -> str:
    """How a class is chosen, in words."""
    threshold = trained.decision.threshold
    if threshold is None:
        return "the number of the largest output"
    return f"1 from a probability of {threshold:.6g} on, else 0"


def _class(trained: Trained, outputs: Array) -> list[str]:
    head = f"int {trained.name}_class(const {outputs.kind} *y) {{"
    if trained.decision.threshold is not None:
        apart = f"(double)y[1] - y[0] >= {trained.decision.margin!r}"
        return [head, f"    return {apart};", "}", ""]
    return [
        head,
        "    int best = 0;",
        f"    for (int i = 1; i < {outputs.size}; i++)",
        "        if (y[i] > y[best]) best = i;",
        "    return best;",
        "}",
        "",
    ]


def _labels(name: str, labels: Sequence[str]) -> list[str]:
    if not labels:
        return []
    return [
        f"const char *const {name}_labels[{len(labels)}] = {{",
        *(f"    {quoted(one)}," for one in labels),
        "};",
        "",
    ]
