"""Parts of JSON as languages of bytes: separators, numbers, the characters of a string."""

from __future__ import annotations

from powertrain_text.automaton import choice, literal, ranges, repeat, sequence

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
