"""Games of a player against itself, and what can be learned from them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from powertrain_rl.games.board import BoardGame, Boards


def self_play(
    game: BoardGame,
    search: Callable[[Boards], NDArray[np.float64]],
    count: int,
    drawn_moves: int,
    rng: np.random.Generator,
) -> dict[str, NDArray[Any]]:
    """So many games from the first move to the last, and each of them mirrored: the boards as who moves sees them,
    what `search` found there, and how the game ended for who moves.

    The first moves of a game are drawn by what the search found, the others are the best.
    """
    boards, going = game.empty(count), np.arange(count)
    last, result, rows = np.zeros(count, np.int64), np.zeros(count, np.float32), []
    for move in range(game.rows * game.columns):
        shares = search(boards)
        rows.append((np.full(len(boards), move), going, boards, shares))
        ends = shares.cumsum(axis=1)
        drawn = (ends <= rng.random((len(boards), 1)) * ends[:, -1:]).sum(axis=1)
        boards, won, over = game.play(boards, drawn if move < drawn_moves else shares.argmax(axis=1))
        last[going[over]], result[going[over]] = move, won[over]
        boards, going = boards[~over], going[~over]
        if not len(going):
            break
    moves, games, seen, found = (np.concatenate(part) for part in zip(*rows, strict=True))
    x, chances = game.see(seen), found.astype(np.float32)
    value = np.where((last[games] - moves) % 2, -result[games], result[games])  # players move by turns
    return {
        "x": np.concatenate([x, x[:, :, ::-1]]),
        "chances": np.concatenate([chances, game.mirrored(chances)]),
        "value": np.concatenate([value, value]),
    }
