"""The parser of the command line: what it refuses is said as every other error of the engine is."""

from __future__ import annotations

import argparse
import re
from typing import Any, Final, NoReturn

from powertrain.cli.exit_codes import USER
from powertrain.io.console import complain

_KINDS: Final = {"int": "a whole number", "float": "a number"}


class Parser(argparse.ArgumentParser):
    """An ArgumentParser that takes no beginnings of options: a new option would make them ambiguous."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings, allow_abbrev=False)

    def error(self, message: str) -> NoReturn:
        complain(refusal(self.prog, message))
        self.exit(USER)


def refusal(called: str, message: str) -> str:
    """The error for what argparse says of an argument; its wording differs between versions of Python."""
    name, about = "", message
    if found := re.fullmatch(r"argument (.+?): (.*)", message, re.DOTALL):
        name, about = found.groups()
    where = f"[{called} {name}]" if name.startswith("-") else f"[{called}]"
    lists = f"; {called} --help lists them"
    if about.startswith("received "):
        return f"{where} {about}; {called} --help describes it"
    if found := re.fullmatch(r"invalid (\w+) value: '(.*)'", about, re.DOTALL):
        kind, received = found.groups()
        return f"{where} received {received}; expected {_KINDS.get(kind, kind)}; {called} --help describes it"
    if found := re.fullmatch(r"invalid choice: (.*?)(?:, maybe you meant .*)? \(choose from (.*)\)", about, re.DOTALL):
        from powertrain.plugin.wording import suggestion

        received, *known = (one.strip(" '\"") for one in (found[1], *found[2].split(",")))
        return f"{where} received {received}; expected one of {', '.join(known)}{suggestion(received, known) or lists}"
    if found := re.fullmatch(r"ignored explicit argument '(.*)'", about, re.DOTALL):
        return f"{where} received {found[1]}; expected no value; write {name} alone"
    if found := re.fullmatch(r"the following arguments are required: (.*)", about, re.DOTALL):
        return (
            f"{where} received no {found[1]}; expected {'them' if ',' in found[1] else 'it'}; {called} --help says why"
        )
    if found := re.fullmatch(r"expected (.*)", about, re.DOTALL):
        return f"{where} received none; expected {found[1]}; {called} --help describes it"
    return f"{where} {about}; expected arguments that it takes{lists}"
