"""JSON by a schema: whatever a model says, what is written parses and fits; nothing else is possible."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain.data import Vocabulary
from powertrain_text.automaton import Automaton, TooLargeError
from powertrain_text.json_schema import JsonSchema, SchemaError, part_of

PERSON = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "maxLength": 12},
        "age": {"type": "integer"},
        "tags": {"type": "array", "items": {"enum": ["a", "b\"c", 3, None]}, "minItems": 1, "maxItems": 3},
        "at": {"type": "object", "properties": {"x": {"type": "number"}, "y": {"type": ["number", "null"]}}},
    },
    "required": ["name", "tags"],
    "additionalProperties": False,
}  # fmt: skip
SCHEMAS: dict[str, Any] = {
    "person": PERSON,
    "empty": {"type": "object"},
    "optional": {"type": "object", "properties": {name: {"type": "boolean"} for name in "abc"}},
    "string": {"type": "string"},
    "short": {"type": "string", "minLength": 2, "maxLength": 4},
    "number": {"type": "number"},
    "array": {"type": "array", "items": {"type": "array", "items": {"type": "integer"}}},
    "const": {"const": {"a": [1, "é"]}},
    "enum of a type": {"enum": ["a", 1, 2.5, 3.0, True, None, [1], {}], "type": ["integer", "null"]},
    "const of a type": {"const": [1], "type": "array"},
    "any": {"anyOf": [{"type": "boolean"}, {"type": "array", "items": {"type": "null"}, "minItems": 2}]},
}


def fits(schema: Mapping[str, Any], value: Any) -> bool:
    """The keywords by their definitions."""
    if "enum" in schema:
        of_kind = "type" not in schema or any(_of_kind(kind, {}, value) for kind in schema["type"])
        return of_kind and any(type(one) is type(value) and one == value for one in schema["enum"])
    if "const" in schema:
        return bool(schema["const"] == value)
    if "anyOf" in schema:
        return any(fits(one, value) for one in schema["anyOf"])
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    return any(_of_kind(kind, schema, value) for kind in kinds)


def _of_kind(kind: str, schema: Mapping[str, Any], value: Any) -> bool:
    if kind == "object":
        properties = schema.get("properties", {})
        known = isinstance(value, dict) and value.keys() <= properties.keys() | set()
        return known and {*schema.get("required", ())} <= value.keys() and all(
            fits(properties[name], one) for name, one in value.items()
        )  # fmt: skip
    if kind == "array":
        counted = isinstance(value, list) and schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", 10**9)
        return counted and all(fits(schema["items"], one) for one in value)
    if kind == "string":
        return isinstance(value, str) and schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", 10**9)
    if kind == "null":
        return value is None
    if kind == "integer" and isinstance(value, float):
        return value.is_integer()
    wanted: Any = {"integer": int, "number": (int, float), "boolean": bool}[kind]
    return isinstance(value, wanted) and isinstance(value, bool) == (kind == "boolean")


class Pieces:
    """Tokens of several bytes, cut anywhere, beside one for each byte."""

    def __init__(self) -> None:
        text = json.dumps({"name": 'Jürgen "x" 日本 🙂', "tags": ["a"], "at": {"x": -1.5e10}}, ensure_ascii=False)
        raw, draw = text.encode() * 3, np.random.default_rng(0)
        cuts = [(int(at), int(at + size)) for at, size in draw.integers((0, 2), (150, 7), (300, 2))]
        self.tokens = [b"", b""] + [bytes([byte]) for byte in range(256)] + sorted({raw[a:b] for a, b in cuts})

    def __len__(self) -> int:
        return len(self.tokens)

    def token_bytes(self) -> list[bytes]:
        return self.tokens

    def encode(self, text: str) -> list[int]:
        return [byte + 2 for byte in text.encode()]

    def decode(self, tokens: Any) -> str:
        return b"".join(self.tokens[int(token)] for token in tokens).decode("utf-8", "replace")


PIECES = Pieces()


class Noise(pt.nn.Module):
    """Scores that follow from the place alone, and lean towards some tokens."""

    context = 400

    def __init__(self, seed: int) -> None:
        super().__init__()
        draw = np.random.default_rng(seed)
        scores = draw.normal(0, 3, (self.context, len(PIECES))) + draw.normal(0, 3, len(PIECES))
        self.scores = pt.Slot(pt.tensor(scores.astype(np.float32)))

    def forward(self, tokens: pt.Tensor) -> pt.Tensor:
        rows = self.scores.value[: tokens.shape[1]]
        return pt.broadcast_to(rows, (tokens.shape[0], *rows.shape))


@pytest.mark.parametrize("name", SCHEMAS)
def test_whatever_is_written_parses_and_fits(name: str) -> None:
    schema, constraint = SCHEMAS[name], JsonSchema(SCHEMAS[name], PIECES)
    seen = set()
    for seed in range(12):
        most = [constraint.shortest, constraint.shortest + 3, 40, 200][seed % 4]
        text = pt.nn.generate(
            Noise(seed), "x", max(most, constraint.shortest), tokenizer=PIECES, temperature=[0.0, 1.0][seed % 2],
            seed=seed, constraint=constraint,
        )  # fmt: skip
        value = json.loads(text)
        assert fits(schema, value), text
        seen.add(text)
    assert len(seen) > 1 or name in ("empty", "const", "const of a type")


def accepted(constraint: JsonSchema, text: str) -> bool:
    """Whether a text goes through, a byte at a time, and may end there."""
    state = constraint.start
    for byte in text.encode("utf-8", "surrogatepass"):
        token = byte + 2
        if not constraint.mask(state, 10**6)[token]:
            return False
        state = constraint.next(state, token)
    return constraint.complete(state)


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("string", ['""', '"é\\n\\u00e9 \\\\"', '"日🙂"', '"\\ud7ff"'],
         ['"', '"\n"', '"\\x"', '"\\ud800"', '"\ud800"', "'a'", ' ""', '"a"b']),
        ("short", ['"ab"', '"日本語"', '"\\n\\u00e9🙂"'], ['"a"', '"abcde"', '""']),
        ("number", ["0", "-0", "12", "-3.25", "1e5", "2E-07", "123456789012345"],
         ["01", "+1", ".5", "1.", "1e", "--1", "1234567890123456", "NaN", ""]),
        ("optional", ["{}", '{"a":true}', '{"b": false, "c": true}', '{"a":true,"b":true,"c":true}'],
         ['{"b":true,"a":true}', '{"a":true,}', '{,"a":true}', '{"a":true"b":true}', '{"d":true}', '{"a":1}', "{ }"]),
        ("person", ['{"name":"","tags":["a"]}', '{"name": "x", "age": 3, "tags": [3, null], "at": {"y": null}}'],
         ['{"name":"x"}', '{"tags":["a"]}', '{"name":"x","tags":[]}', '{"name":"x","tags":["a","a","a","a"]}',
          '{"name":"x","tags":["c"]}', '{"name":"0123456789012","tags":["a"]}', '{"name":"x","age":1.5,"tags":["a"]}']),
        ("any", ["true", "[null,null]", "[null, null, null]"], ["null", "[null]", "[true,true]"]),
        ("array", ["[]", "[[]]", "[[1,2],[],[3]]"], ["[1]", "[[1]", "[[],]"]),
        ("const", ['{"a": [1, "é"]}'], ['{"a":[1,"é"]}', "{}"]),
        ("empty", ["{}"], ['{"a":1}', "[]"]),
        ("enum of a type", ["1", "3.0", "null"], ['"a"', "2.5", "true", "[1]", "{}"]),
        ("const of a type", ["[1]"], ["1", "[]"]),
    ],
)  # fmt: skip
def test_exactly_the_texts_of_a_schema_go_through(name: str, good: list[str], bad: list[str]) -> None:
    constraint = JsonSchema(SCHEMAS[name], PIECES)
    assert [text for text in good if not accepted(constraint, text)] == []
    assert [text for text in bad if accepted(constraint, text)] == []
    assert all(fits(SCHEMAS[name], json.loads(text)) for text in good)


def test_a_mask_is_what_its_bytes_say_one_by_one() -> None:
    constraint = JsonSchema(PERSON, PIECES)
    state = constraint.start
    for byte in b'{"name":"\xe6':
        for token, raw in enumerate(PIECES.tokens):
            here, alive = state, bool(raw)
            for one in raw:
                alive = alive and bool(constraint.mask(here, 10**6)[one + 2])
                here = constraint.next(here, one + 2) if alive else here
            assert alive == constraint.mask(state, 10**6)[token], (byte, raw)
        state = constraint.next(state, byte + 2)


def test_what_is_open_is_closed_in_time() -> None:
    schema = {"type": "array", "items": {"type": "string"}}
    constraint = JsonSchema(schema, PIECES)
    assert constraint.shortest == 2
    state = constraint.next(constraint.next(0, ord("[") + 2), ord('"') + 2)
    last = [PIECES.tokens[token] for token in np.flatnonzero(constraint.mask(state, 1))]
    # Whole texts so far, or all but the bracket.
    assert [one for one in last if len(one) == 1] == [b'"'] and all(
        json.loads(b'["%b]' % one.rstrip(b"]")) for one in last
    )
    letters = JsonSchema(schema, Vocabulary.fit('[]"ab'))
    with pytest.raises(SchemaError, match=r"^\[schema\] 2 tokens for the 3 bytes that are missing; expected as many"):
        JsonSchema({"const": "a"}, Vocabulary.fit('"a')).mask(0, 1)
    assert letters.mask(0, 1).sum() == 1
    with pytest.raises(SchemaError, match=r"\[schema\] 3 tokens for the 9 bytes that are missing"):
        pt.nn.generate(Noise(0), "x", 3, tokenizer=PIECES, constraint=JsonSchema({"const": "abcdefg"}, PIECES))


def test_a_number_may_go_on_or_end_by_a_stop_token() -> None:
    constraint = JsonSchema({"type": "integer"}, PIECES)
    texts = {
        pt.nn.generate(Noise(seed), "x", 30, tokenizer=PIECES, temperature=5.0, seed=seed, constraint=constraint,
                       stop=[0]) for seed in range(12)
    }  # fmt: skip
    assert all(isinstance(json.loads(text), int) for text in texts) and len({len(text) for text in texts}) > 1


def test_characters_as_tokens() -> None:
    letters = Vocabulary.fit('{"ok": truefalsn}')
    constraint = JsonSchema({"type": "object", "properties": {"ok": {"type": "boolean"}}, "required": ["ok"]}, letters)

    class Same(pt.nn.Module):
        context = 30

        def forward(self, tokens: pt.Tensor) -> pt.Tensor:
            return pt.zeros((*tokens.shape, len(letters)))

    texts = {
        pt.nn.generate(Same(), "{", 20, tokenizer=letters, temperature=1.0, seed=seed, constraint=constraint)
        for seed in range(8)
    }
    assert {json.loads(text)["ok"] for text in texts} == {True, False}
    without = Vocabulary.fit("abc")
    with pytest.raises(SchemaError, match="all of whose characters the tokenizer has"):
        JsonSchema(SCHEMAS["empty"], without).mask(0, 100)


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ([], "[schema] list; expected an object that is a schema"),
        ({}, "[schema] type = None; expected object, array, string"),
        ({"type": "date"}, "[schema] type = 'date'; expected object"),
        ({"type": "string", "pattern": "(a+)+"}, "[schema] the keyword 'pattern'; expected maxLength, minLength, type"),
        ({"$ref": "#"}, "[schema] type = None; expected object"),
        ({"type": "object", "properties": {"a": {"$ref": "#"}}}, "[schema.a] type = None"),
        ({"type": "array"}, "[schema] an array without items"),
        ({"type": "array", "items": {"type": "null"}, "minItems": 3, "maxItems": 2}, "[schema] minItems = 3, maxItems"),
        ({"type": "string", "maxLength": 10**12}, "[schema] minLength = 0, maxLength = 1000000000000; expected whole"),
        ({"type": "string", "maxLength": 40_000}, "[schema] more than 50,000 places; expected a smaller schema"),
        ({"enum": []}, "[schema.enum] list; expected a list of 1 to 1,000"),
        ({"enum": [float("nan")]}, "[schema] nan: Out of range float values are not JSON compliant"),
        ({"enum": [object]}, "[schema] type: Object of type"),
        ({"enum": [1, 2.5], "type": "string"}, "[schema] type = string, and no such value under enum or const"),
        ({"const": True, "type": "integer"}, "[schema] type = integer, and no such value"),
        ({"enum": [1], "type": "date"}, "[schema] type = 'date'; expected object"),
        ({"anyOf": [{"type": "null"}], "type": "object"}, "[schema] the keyword 'type'; expected anyOf; leave it out"),
        ({"type": "object", "required": ["a"]}, "[schema] required = list; expected at most 1,000 properties"),
        ({"type": "object", "properties": {str(n): {"type": "null"} for n in range(1001)}}, "[schema] required = list"),
    ],
)  # fmt: skip
def test_schemas_that_are_not_followed_are_refused(schema: Any, message: str) -> None:
    with pytest.raises(SchemaError) as raised:
        JsonSchema(schema, PIECES)
    assert str(raised.value).startswith(message)


def test_hostile_schemas_are_bounded() -> None:
    deep: Any = {"type": "null"}
    for _ in range(2000):
        deep = {"type": "array", "items": deep}
    with pytest.raises(SchemaError, match="more than 16 levels"):
        JsonSchema(deep, PIECES)
    wide: Any = {"type": "null"}
    for _ in range(10):
        wide = {"type": "array", "items": wide, "minItems": 10}
    with pytest.raises(SchemaError, match="more than 50,000 places"):
        JsonSchema(wide, PIECES)
    itself: dict[str, Any] = {"type": "array"}
    itself["items"] = itself
    with pytest.raises(SchemaError, match="more than 16 levels"):
        JsonSchema(itself, PIECES)


def test_a_type_that_is_named_several_times_is_built_once() -> None:
    schema: Any = {"type": "null"}
    for _ in range(12):
        schema = {"type": ["array", "array"], "items": schema, "maxItems": 1}
    assert accepted(JsonSchema(schema, PIECES), "[[[]]]")


def test_values_that_stand_in_several_places_are_bounded() -> None:
    """A few lines of Python may be a text of gigabytes."""
    value: Any = []
    for _ in range(60):
        value = [value, value]
    with pytest.raises(SchemaError, match="more than 50,000 places"):
        JsonSchema({"const": value}, PIECES)
    shared: Any = {"type": "null"}
    for _ in range(14):
        shared = {"type": "object", "properties": dict.fromkeys("abcdef", shared)}
    with pytest.raises(SchemaError, match="more than 50,000 places"):
        JsonSchema(shared, PIECES)


def test_the_states_of_a_hostile_schema_take_little_memory() -> None:
    """Alternatives that stay open side by side: each state is a set of many places, and there are 2^20 states."""
    names = "abcdefghijklmnopqrst"
    open_ones: dict[str, Any] = {name: {"enum": [0, 1]} for name in names}
    several = [
        {"type": "object", "properties": {**open_ones, names[at % 20]: {"const": 1}}, "required": list(names)}
        for at in range(40)
    ]
    automaton = Automaton(part_of({"anyOf": several}), 50_000)
    tracemalloc.start()
    states, at = [0], 0
    with pytest.raises(TooLargeError):
        while at < len(states):
            row = automaton.step(np.full(256, states[at], np.int32), np.arange(256, dtype=np.uint8))
            states.extend(int(state) for state in np.unique(row[row >= 0]) if state > states[-1])
            at += 1
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(states) > 100 and most < 60 << 20
