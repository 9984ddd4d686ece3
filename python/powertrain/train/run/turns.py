"""Parts of the data that take turns, whose batches are made together."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, cast

from numpy.typing import NDArray

from powertrain.data.block import Block
from powertrain.data.order import Cursor, Place
from powertrain.data.picks import Picks, Turn, picks_of

if TYPE_CHECKING:
    from powertrain.data import DataLoader
    from powertrain.data.prefetch import Made, Prefetched
    from powertrain.train.run.sources import TrainSource

Upcoming = Callable[[], Iterator["tuple[TrainSource, int]"]]
Told = tuple["TrainSource", int, Cursor]


class Turns:
    """One stream for parts of one data set that are short: to begin and end a stream for each of their turns takes
    longer than its steps.

    `upcoming` says who is asked next, and for how many batches. It changes when batches are made, never which: a turn
    that it does not foresee ends the stream, and each part makes its own from then on.
    """

    def __init__(self, whole: DataLoader, upcoming: Upcoming) -> None:
        """`whole`: a loader of the data set that the parts are rows of."""
        self._whole, self._upcoming = whole, upcoming
        self._usable = whole.makes_many and whole.num_workers > 0
        self._stream: Prefetched | None = None
        self._told: deque[Told] = deque()  # turns of which batches have been asked for
        self._made: deque[Made] = deque()
        self._asked: Told | None = None  # the turn that has been asked for, until its first batch is there
        self._left = 0  # batches of the turn that has begun

    def begin(self, part: TrainSource, count: int) -> bool:
        """A part is asked for so many batches now; gives whether they come from here, if they were foreseen."""
        if self._left:  # of the turn before, of which nobody asked for the rest
            self._give_up()
        if self._usable:
            self._asked, self._left = (part, count, part.loader.cursor), count
        return self._usable

    def next_made(self) -> Made | None:
        """The next batches of the part whose turn it is; None where it has to make them itself."""
        if not self._left:
            return None
        if not self._made:
            self._wait()
        # A turn is told before its first batch is made. There is none after a fork, or where nobody else is foreseen.
        if not self._made or (self._asked is not None and self._told.popleft() != self._asked):
            self._give_up()
            return None
        self._asked = None
        made = self._made.popleft()
        self._left -= made[0].count if isinstance(made[0], Block) else 1
        return made

    def _wait(self) -> None:
        if self._stream is None:
            self._stream = self._whole.prefetched(self._runs(self._told))
        try:
            if self._stream.here:
                self._made.extend(next(self._stream))
        except StopIteration:
            pass
        except BaseException:
            self.reset()
            raise

    def _runs(self, told: deque[Told]) -> Iterator[Picks]:
        """What the parts pick, turn by turn. A worker makes them, ahead of what the parts know of."""
        places: dict[TrainSource, Place] = {}
        for number, (part, count) in enumerate(self._upcoming(), 1):
            place, left = places.get(part) or part.loader.place, count
            told.append((part, count, place.cursor))
            rows = cast("NDArray[Any]", part.within)
            while left > 0:
                for run in picks_of(part.loader.order, *place):
                    own = run if len(run) <= left else run.split(left)[0]
                    yield own.of(rows, Turn(number, left))
                    place = Place(own.end, own.parts if own.end.epoch == own.epoch else ())
                    left -= len(own)
                    if left <= 0:
                        break
            places[part] = place

    def _give_up(self) -> None:
        self.reset()
        self._usable = False

    def reset(self) -> None:
        """Start again with the next turn."""
        if self._stream is not None:
            self._stream.close()
        self._stream, self._asked, self._left = None, None, 0
        self._told, self._made = deque(), deque()  # others, since a worker may still know of these
