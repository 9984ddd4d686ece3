"""Settings of some of an optimizer's parameters, by a pattern of their names."""

from __future__ import annotations

from dataclasses import dataclass

from powertrain.plugin.params import param


@dataclass(frozen=True)
class Group:
    """Settings of the parameters whose names match a pattern; what is not given is as the optimizer has it.

    Example
        >>> group = pt.optim.Group('*.bias', weight_decay=0.0)
        >>> group.match
        '*.bias'
    """

    match: str = param(doc="a pattern of names, such as *.bias; * stands for any letters, dots too")
    lr: float | None = param(None, above=0, doc="their rate before the schedule; the optimizer's where it is not given")
    weight_decay: float | None = param(None, low=0, doc="the optimizer's where it is not given")
    start: int | None = param(None, low=0, doc="how many updates leave them as they are, before they are trained too")
    frozen: bool = param(False, doc="leave these parameters as they are")
