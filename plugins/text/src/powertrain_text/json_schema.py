"""JSON by a schema: which tokens may come next, so that what a model writes parses and fits.

A schema without references is a regular language, so an automaton over the bytes of the text decides. It writes objects
with the properties of the schema in their order, one optional space behind commas and colons, and numbers of at most 15
digits. A mask counts how many tokens are left: what is open is closed in time.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

import powertrain as pt
from powertrain_text.automaton import Automaton, Part, TooLargeError, choice, literal, ranges, repeat, sequence

MOST_PLACES = 50_000
MOST_DEPTH = 16
MOST_CHOICES = 1_000
MOST_KEPT = 256  # masks

ANNOTATIONS = {"$schema", "$id", "$comment", "title", "description", "default", "examples", "deprecated"}
KEYS = {
    "object": {"properties", "required", "additionalProperties"},
    "array": {"items", "minItems", "maxItems"},
    "string": {"minLength", "maxLength"},
    "integer": set(),
    "number": set(),
    "boolean": set(),
    "null": set(),
}  # fmt: skip


class SchemaError(pt.Error, ValueError):
    """A schema that cannot be followed: `[schema at] what was received; what was expected; how to fix it`."""


class TokenBytes(Protocol):
    """A tokenizer that knows what each token writes."""

    def token_bytes(self) -> list[bytes]: ...


# ------------------------------------------------------------ parts of JSON

DIGIT, DIGITS = ranges((48, 57)), 14  # and a first one that is not 0: 15 digits are exact in float64
SPACE = repeat(literal(b" "), 0, 1)
COMMA, COLON = sequence(literal(b","), SPACE), sequence(literal(b":"), SPACE)
WHOLE = sequence(
    repeat(literal(b"-"), 0, 1),
    choice([literal(b"0"), sequence(ranges((49, 57)), repeat(DIGIT, 0, DIGITS))]),
)
NUMBER = sequence(
    WHOLE,
    repeat(sequence(literal(b"."), repeat(DIGIT, 1, DIGITS)), 0, 1),
    repeat(sequence(ranges((69, 69), (101, 101)), repeat(ranges((43, 43), (45, 45)), 0, 1), repeat(DIGIT, 1, 2)), 0, 1),
)
HEX, TAIL = ranges((48, 57), (65, 70), (97, 102)), ranges((0x80, 0xBF))
# One character of a string: whole UTF-8 without surrogates (The Unicode Standard, table 3-7), or an escape.
CHARACTER = choice([
    ranges((0x20, 0x21), (0x23, 0x5B), (0x5D, 0x7F)),
    sequence(ranges((0xC2, 0xDF)), TAIL),
    sequence(literal(b"\xe0"), ranges((0xA0, 0xBF)), TAIL),
    sequence(ranges((0xE1, 0xEC), (0xEE, 0xEF)), TAIL, TAIL),
    sequence(literal(b"\xed"), ranges((0x80, 0x9F)), TAIL),
    sequence(literal(b"\xf0"), ranges((0x90, 0xBF)), TAIL, TAIL),
    sequence(ranges((0xF1, 0xF3)), TAIL, TAIL, TAIL),
    sequence(literal(b"\xf4"), ranges((0x80, 0x8F)), TAIL, TAIL),
    sequence(literal(b"\\"), choice([ranges(*((ord(sign), ord(sign)) for sign in '"\\/bfnrt'))])),
    sequence(literal(b"\\u"), choice([
        sequence(ranges((48, 57), (65, 67), (69, 70), (97, 99), (101, 102)), HEX, HEX, HEX),
        sequence(ranges((68, 68), (100, 100)), ranges((48, 55)), HEX, HEX),
    ])),
])  # fmt: skip


def part_of(schema: Any, at: str = "schema", depth: int = 0) -> Part:
    """The language of a schema."""
    if not isinstance(schema, Mapping) or depth > MOST_DEPTH:
        said = f"more than {MOST_DEPTH} levels" if depth > MOST_DEPTH else _short(schema)
        raise SchemaError(f"[{at}] {said}; expected an object that is a schema; for example {{'type': 'string'}}")
    for name in ("enum", "const", "anyOf"):
        if name in schema:
            _demand_known(schema, at, {name, "type"})
    if "const" in schema:
        return literal(_written(schema["const"], at))
    if "enum" in schema:
        return choice([literal(_written(value, at)) for value in _several(schema["enum"], f"{at}.enum")])
    if "anyOf" in schema:
        several = _several(schema["anyOf"], f"{at}.anyOf")
        return choice([part_of(one, f"{at}.anyOf[{number}]", depth + 1) for number, one in enumerate(several)])
    kinds = schema.get("type")
    kinds = _several(kinds, f"{at}.type") if isinstance(kinds, list) else [kinds]
    for kind in kinds:
        if not isinstance(kind, str) or kind not in KEYS:
            raise SchemaError(
                f"[{at}] type = {_short(kind)}; expected {', '.join(KEYS)}, or enum, const, anyOf; say what it is"
            )
    _demand_known(schema, at, {"type"}.union(*(KEYS[kind] for kind in kinds)))
    return choice([_typed(kind, schema, at, depth) for kind in kinds])


def _typed(kind: str, schema: Mapping[str, Any], at: str, depth: int) -> Part:
    if kind == "object":
        return _object(schema, at, depth)
    if kind == "array":
        return _array(schema, at, depth)
    if kind == "string":
        least, most = _counts(schema, at, "minLength", "maxLength")
        return sequence(literal(b'"'), repeat(CHARACTER, least, most), literal(b'"'))
    if kind == "boolean":
        return choice([literal(b"true"), literal(b"false")])
    return {"integer": WHOLE, "number": NUMBER, "null": literal(b"null")}[kind]


def _object(schema: Mapping[str, Any], at: str, depth: int) -> Part:
    """Its properties in order. Those that are not required may be left out, with their commas."""
    properties, required = schema.get("properties", {}), schema.get("required", [])
    fits = isinstance(properties, Mapping) and isinstance(required, list) and len(properties) <= MOST_CHOICES
    if not fits or not all(isinstance(name, str) and name in properties for name in required):
        raise SchemaError(
            f"[{at}] required = {_short(required)}; expected at most {MOST_CHOICES:,} properties, and names of them; "
            "name each property under properties"
        )
    pairs = [
        (sequence(literal(_written(name, at)), COLON, part_of(one, f"{at}.{name}", depth + 1)), name in required)
        for name, one in properties.items()
    ]

    def build(builder: Any, begin: int) -> int:
        # Two ways through the properties: while none was written, and behind one, where a comma comes first.
        bare: int | None = literal(b"{")(builder, begin)
        behind: int | None = None
        for pair, needed in pairs:
            after = builder.place()
            if bare is not None:
                builder.join(pair(builder, _branch(builder, bare)), after)
            if behind is not None:
                builder.join(sequence(COMMA, pair)(builder, _branch(builder, behind)), after)
                if not needed:
                    builder.join(behind, after)
            bare, behind = None if needed else bare, after
        end = builder.place()
        for last in (bare, behind):
            if last is not None:
                builder.join(literal(b"}")(builder, _branch(builder, last)), end)
        return end

    return build


def _branch(builder: Any, at: int) -> int:
    """A place of its own behind another."""
    begin: int = builder.place()
    builder.join(at, begin)
    return begin


def _array(schema: Mapping[str, Any], at: str, depth: int) -> Part:
    if "items" not in schema:
        raise SchemaError(f"[{at}] an array without items; expected what its elements are; add items")
    least, most = _counts(schema, at, "minItems", "maxItems")
    item = part_of(schema["items"], f"{at}.items", depth + 1)
    if most == 0:
        return literal(b"[]")
    more = repeat(sequence(COMMA, item), max(0, least - 1), None if most is None else most - 1)
    filled = sequence(item, more)
    return sequence(literal(b"["), filled if least else repeat(filled, 0, 1), literal(b"]"))


def _counts(schema: Mapping[str, Any], at: str, least: str, most: str) -> tuple[int, int | None]:
    low, high = schema.get(least, 0), schema.get(most)
    fits = type(low) is int and 0 <= low <= MOST_PLACES and (high is None or (type(high) is int and low <= high))
    if not fits or (high is not None and high > MOST_PLACES):
        raise SchemaError(
            f"[{at}] {least} = {_short(low)}, {most} = {_short(high)}; expected whole numbers, the first not above the "
            f"second, which is at most {MOST_PLACES:,}; change one"
        )
    return low, high


def _demand_known(schema: Mapping[str, Any], at: str, known: set[str]) -> None:
    other = next((key for key in schema if key not in known | ANNOTATIONS), None)
    if other is not None:
        raise SchemaError(
            f"[{at}] the keyword {_short(other)}; expected {', '.join(sorted(known))}; leave it out, and check what "
            "it asks for afterwards"
        )


def _several(given: Any, at: str) -> list[Any]:
    if not isinstance(given, list) or not 1 <= len(given) <= MOST_CHOICES:
        raise SchemaError(f"[{at}] {_short(given)}; expected a list of 1 to {MOST_CHOICES:,}; shorten it")
    return given


def _written(value: Any, at: str) -> bytes:
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise SchemaError(f"[{at}] {_short(value)}: {error}; expected a value of JSON; change it") from None


def _short(value: Any) -> str:
    text = repr(value) if isinstance(value, (str, int, float, bool, type(None))) else type(value).__name__
    return text if len(text) <= 60 else f"{text[:60]}..."


# ------------------------------------------------------------ tokens


class JsonSchema:
    """A constraint for pt.nn.generate: what is written is JSON that fits the schema.

    It knows objects with the properties of the schema, arrays, strings, numbers, booleans, null, enum, const and anyOf,
    with required, minItems, maxItems, minLength and maxLength. Other keywords are an error, and no reference is
    followed.

    Errors    an unknown keyword; a schema that is too large or too deep; a tokenizer without the characters of JSON;
              too few tokens for the shortest text: SchemaError
    Example
        >>> schema = {"type": "object", "properties": {"age": {"type": "integer"}}, "required": ["age"]}
        >>> letters = pt.data.Vocabulary.fit('{"age": 0123456789}')
        >>> JsonSchema(schema, letters).shortest
        9
    """

    start = 0

    def __init__(self, schema: Mapping[str, Any], tokenizer: TokenBytes) -> None:
        try:
            self._automaton = Automaton(part_of(schema), MOST_PLACES)
        except TooLargeError:
            raise _too_large() from None
        self._tokens = _TokenTable(tokenizer.token_bytes())
        self._next: dict[int, NDArray[np.int32]] = {}

    @property
    def shortest(self) -> int:
        """The bytes of the shortest text, which is how many tokens it takes at most."""
        return int(self._automaton.distances(np.zeros(1, np.int32))[0])

    def mask(self, state: int, left: int) -> NDArray[np.bool_]:
        """The tokens after which a text can still be finished, should each further one be a single byte."""
        found: NDArray[np.bool_] = self._automaton.distances(self._after(state)) <= left
        if not found.any() and not self.complete(state):
            least = int(self._automaton.distances(np.array([state], np.int32))[0])
            raise SchemaError(
                f"[schema] {left + 1} tokens for the {least} bytes that are missing; expected as many tokens, all of "
                "whose characters the tokenizer has; raise max_new_tokens"
            )
        return found

    def next(self, state: int, token: int) -> int:
        """The state after a token."""
        return int(self._after(state)[token])

    def complete(self, state: int) -> bool:
        """Whether the text may end here."""
        return self._automaton.complete(state)

    def closed(self, state: int) -> bool:
        """Whether nothing may follow."""
        return self._automaton.closed(state)

    def _after(self, state: int) -> NDArray[np.int32]:
        """The state after each token."""
        found = self._next.pop(state, None)
        if found is None:
            try:
                found = self._tokens.walk(self._automaton, state)
            except TooLargeError:
                raise _too_large() from None
            if len(self._next) >= MOST_KEPT:
                del self._next[next(iter(self._next))]
        self._next[state] = found  # the last used is the last to go
        return found


def _too_large() -> SchemaError:
    return SchemaError(
        f"[schema] more than {MOST_PLACES:,} places; expected a smaller schema; lower its lengths and counts, or leave "
        "them out"
    )


class _TokenTable:
    """The bytes of all tokens, walked through together: place by place, those that are still alive."""

    def __init__(self, tokens: Sequence[bytes]) -> None:
        lengths = np.array([len(token) for token in tokens], np.int64)
        # Those that write nothing lead nowhere: a text of them would have no end.
        self._order = np.argsort(-lengths, kind="stable")[: int(np.count_nonzero(lengths))]
        self._count = len(tokens)
        self._lengths = lengths[self._order]
        self._begins = np.concatenate(([0], np.cumsum(self._lengths)))[:-1]
        self._bytes = np.frombuffer(b"".join(tokens[place] for place in self._order), np.uint8)

    def walk(self, automaton: Automaton, state: int) -> NDArray[np.int32]:
        """The state that each token leads to from a state; dead where it may not come."""
        states = np.full(len(self._order), state, np.int32)
        longest = int(self._lengths[0]) if len(self._lengths) else 0
        for place in range(longest):
            alive = np.flatnonzero((self._lengths > place) & (states >= 0))
            if not len(alive):
                break
            states[alive] = automaton.step(states[alive], self._bytes[self._begins[alive] + place])
        out = np.full(self._count, -1, np.int32)
        out[self._order] = states
        return out
