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
from powertrain_text.automaton import Automaton, Part, TooLargeError, choice, literal, repeat, sequence
from powertrain_text.json_parts import CHARACTER, COLON, COMMA, NUMBER, WHOLE
from powertrain_text.token_table import TokenTable

MOST_PLACES = 50_000
MOST_DEPTH = 16
MOST_CHOICES = 1_000
MOST_KEPT = 16 << 20  # bytes of the states behind tokens

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


def part_of(schema: Any, at: str = "schema", depth: int = 0) -> Part:
    """The language of a schema."""
    if not isinstance(schema, Mapping) or depth > MOST_DEPTH:
        said = f"more than {MOST_DEPTH} levels" if depth > MOST_DEPTH else _short(schema)
        raise SchemaError(f"[{at}] {said}; expected an object that is a schema; for example {{'type': 'string'}}")
    for name in ("enum", "const"):
        if name in schema:
            _demand_known(schema, at, {name, "type"})
            return _fixed(schema, [schema["const"]] if name == "const" else _several(schema[name], f"{at}.enum"), at)
    if "anyOf" in schema:
        _demand_known(schema, at, {"anyOf"})
        several = _several(schema["anyOf"], f"{at}.anyOf")
        return choice([part_of(one, f"{at}.anyOf[{number}]", depth + 1) for number, one in enumerate(several)])
    kinds = _kinds(schema, at)
    _demand_known(schema, at, {"type"}.union(*(KEYS[kind] for kind in kinds)))
    return choice([_typed(kind, schema, at, depth) for kind in kinds])


def _kinds(schema: Mapping[str, Any], at: str) -> list[str]:
    given = schema.get("type")
    kinds = _several(given, f"{at}.type") if isinstance(given, list) else [given]
    for kind in kinds:
        if not isinstance(kind, str) or kind not in KEYS:
            raise SchemaError(
                f"[{at}] type = {_short(kind)}; expected {', '.join(KEYS)}, or enum, const, anyOf; add one of these"
            )
    return list(dict.fromkeys(kinds))  # each once: what is inside would be built for each


def _fixed(schema: Mapping[str, Any], values: Sequence[Any], at: str) -> Part:
    """One of these values. Where the schema has a type too, those of another type are none of its texts."""
    kinds = _kinds(schema, at) if "type" in schema else list(KEYS)
    fitting = [value for value in values if any(_is_of(value, kind) for kind in kinds)]
    if not fitting and "type" in schema:
        raise SchemaError(
            f"[{at}] type = {', '.join(kinds)}, and no such value under enum or const; expected one at least; change "
            "the type, or leave it out"
        )
    return choice([literal(_written(value, at)) for value in fitting or values])


def _is_of(value: Any, kind: str) -> bool:
    """Whether a value is of a type of JSON; 1.0 is an integer."""
    if kind in ("integer", "number"):
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        return number and (kind == "number" or isinstance(value, int) or value.is_integer())
    wanted: Any = {"object": Mapping, "array": (list, tuple), "string": str, "boolean": bool, "null": type(None)}[kind]
    return isinstance(value, wanted)


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


def _demand_few(schema: Any) -> None:
    """Refuse a schema of too many values, before anything is made of them. One that stands in several places of a
    Python object counts in each."""
    level, count = [schema], 0
    for _ in range(2 * MOST_DEPTH + 2):  # a level of a schema takes two of its object: properties, and a name of them
        inner: list[Any] = []
        for one in level:
            values = list(one.values()) if isinstance(one, Mapping) else one if isinstance(one, list) else []
            count += len(values)
            if count > MOST_PLACES:
                raise TooLargeError
            inner.extend(values)
        level = inner


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
    """A value as JSON; no more of it than an automaton could take."""
    written: list[str] = []
    size = 0
    try:
        for part in json.JSONEncoder(ensure_ascii=False, allow_nan=False).iterencode(value):
            size += len(part)
            if size > MOST_PLACES:
                raise TooLargeError
            written.append(part)
        return "".join(written).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise SchemaError(f"[{at}] {_short(value)}: {error}; expected a value of JSON; change it") from None


def _short(value: Any) -> str:
    text = repr(value) if isinstance(value, (str, int, float, bool, type(None))) else type(value).__name__
    return text if len(text) <= 60 else f"{text[:60]}..."


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
            _demand_few(schema)
            self._automaton = Automaton(part_of(schema), MOST_PLACES)
        except TooLargeError:
            raise _too_large() from None
        self._tokens = TokenTable(tokenizer.token_bytes())
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
            if len(self._next) >= max(1, MOST_KEPT // found.nbytes):
                del self._next[next(iter(self._next))]
        self._next[state] = found  # the last used is the last to go
        return found


def _too_large() -> SchemaError:
    return SchemaError(
        f"[schema] more than {MOST_PLACES:,} places; expected a smaller schema; lower its lengths and counts, or leave "
        "them out"
    )
