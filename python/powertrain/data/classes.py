"""Classes by their names, and by their numbers where names are none."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from powertrain.io.plain_number import plain_number

if TYPE_CHECKING:
    from powertrain.data.module import DataModule


def class_numbers(values: Iterable[object], names: Sequence[str]) -> NDArray[np.int64]:
    """The number of the class that each value names, int64[values]; -1 where `names` has none such. Of classes whose
    names are numbers, 2, 2.0 and "2" are one.

    >>> class_numbers([5, "1", 3.0], ["1", "2", "5"]).tolist()
    [2, 0, -1]
    """
    numbers: dict[str | None, int] = {name: number for number, name in enumerate(names)}
    texts = ((one, str(one)) for one in values)
    return np.array([numbers.get(text if text in numbers else _numeral(one), -1) for one, text in texts], np.int64)


def class_number(dataset: DataModule, asked: Any) -> int | None:
    """The number of a class that a setting names, or gives by its number; None where there is none. Where names are
    numbers, a number is a name: of the classes 1, 2 and 5 the class 2 is the second."""
    names, asked = dataset.class_names, plain_number(asked)
    found = int(class_numbers([asked], names)[0])
    if found < 0 and isinstance(asked, int) and 0 <= asked < dataset.outputs:
        found = int(asked) if None in map(_numeral, names) else -1
    return None if found < 0 else found


def classes_to_name(dataset: DataModule) -> str:
    """What errors say of the classes that a setting may mean."""
    names = dataset.class_names
    return f"one of the classes {', '.join(names[:12])}" + (", ..." if len(names) > 12 else "")


def _numeral(value: Any) -> str | None:
    """The name that a table gives to a class that is a number; None for what is none."""
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return repr(number + 0.0).removesuffix(".0") if abs(number) < 2**53 else None  # above it, several are one
