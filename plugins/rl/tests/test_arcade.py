"""Breakout and Snake beside the same rules written out in Python, one place after the other."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from powertrain.plugin import registry


def made(name: str, **params: Any) -> Any:
    plugin = registry().load("env", f"rl/{name}")
    return plugin.build(plugin.Params(**params))


class BreakoutByHand:
    """A direction is (right, down); the paddle is in the last row."""

    def __init__(self, left: bool) -> None:
        self.x, self.y, self.right, self.down = (0, 3, 1, 1) if left else (9, 3, -1, 1)
        self.paddle, self.passing, self.before = 4, False, (self.x, self.y)
        self.bricks = {(x, y) for x in range(10) for y in (1, 2, 3)}

    def step(self, action: int) -> tuple[float, bool]:
        self.paddle = min(9, max(0, self.paddle + {0: 0, 1: -1, 2: 1}[action]))
        self.before, x, y, reward, there = (self.x, self.y), self.x + self.right, self.y + self.down, 0.0, False
        if not 0 <= x <= 9:
            x, self.right = min(9, max(0, x)), -self.right
        if y < 0:
            y, self.down = 0, -self.down
        elif (x, y) in self.bricks:
            there = True
            if not self.passing:
                self.bricks.remove((x, y))
                y, self.down, reward = self.y, -self.down, 1.0
        elif y == 9:
            if not self.bricks:
                self.bricks = {(x, y) for x in range(10) for y in (1, 2, 3)}
            if self.x == self.paddle:
                y, self.down = self.y, -self.down
            elif x == self.paddle:
                y, self.down, self.right = self.y, -self.down, -self.right
            else:
                return reward, True
        self.x, self.y, self.passing = x, y, there
        return reward, False

    def following(self) -> int:
        """The action of a player that follows the ball."""
        goal = self.x + self.right
        return 2 if goal > self.paddle else 1 if goal < self.paddle else 0

    def see(self) -> Any:
        seen = np.zeros((10, 10, 4), np.float32)
        seen[9, self.paddle, 0] = seen[self.y, self.x, 1] = seen[self.before[1], self.before[0], 2] = 1
        for x, y in self.bricks:
            seen[y, x, 3] = 1
        return seen


def test_breakout_is_played_by_its_rules() -> None:
    """By a player that follows the ball, and at times does something else."""
    env, broken, sides = made("breakout"), 0.0, set()
    rng = np.random.default_rng(0)
    for seed in range(8):
        first = np.asarray(env.reset(seed))
        hand = BreakoutByHand(left=bool(first[3, 0, 1]))
        sides.add(hand.x)
        assert (first == hand.see()).all()
        for _ in range(400):
            action = int(rng.integers(3)) if rng.random() < 0.05 else hand.following()
            seen, reward, over, _ = env.step(action)
            assert (reward, over) == hand.step(action)
            broken += reward
            if over:
                break
            assert (seen == hand.see()).all()
    assert broken > 80 and sides == {0, 9}


def test_other_bricks_come_when_all_are_broken() -> None:
    env = made("breakout")
    env.reset(0)
    hand = BreakoutByHand(left=bool(np.asarray(env.see(env._state).numpy())[0, 3, 0, 1]))
    counts, total = [], 0.0
    for _ in range(900):
        action = hand.following()
        seen, reward, over, truncated = env.step(action)
        total += reward
        assert (reward, over) == hand.step(action) and not truncated
        counts.append(np.asarray(seen)[..., 3].sum())
        if over:
            break
    assert total >= 0 and counts[0] == 30


class SnakeByHand:
    """The body as a list of places, the head first."""

    def __init__(self, side: int, body: list[tuple[int, int]]) -> None:
        self.side, self.body = side, body

    def step(self, action: int, food: tuple[int, int]) -> tuple[float, bool]:
        down, right = ((-1, 0), (0, 1), (1, 0), (0, -1))[action]
        head = self.body[0][0] + down, self.body[0][1] + right
        if not (0 <= head[0] < self.side and 0 <= head[1] < self.side):
            return -1.0, True
        eats = head == food
        rest = self.body if eats else self.body[:-1]
        if head in rest:
            return -1.0, True
        self.body = [head, *rest]
        return float(eats), len(self.body) == self.side**2


def places(plane: Any) -> set[tuple[int, int]]:
    return {(int(row), int(column)) for row, column in zip(*np.nonzero(plane), strict=True)}


@pytest.mark.parametrize("side", [4, 6])
def test_snake_is_played_by_its_rules(side: int) -> None:
    env, rng, grown, ends = made("snake", side=side), np.random.default_rng(1), 0, set()
    for seed in range(60):
        seen = np.asarray(env.reset(seed))
        ((row, column),) = places(seen[..., 0])
        hand = SnakeByHand(side, [(row, column), (row, column - 1)])
        assert places(seen[..., 1]) == set(hand.body)
        for _ in range(200):
            ((food_row, food_column),) = places(seen[..., 2])
            assert (food_row, food_column) not in hand.body
            head = hand.body[0]
            wanted = [0] * (food_row < head[0]) + [2] * (food_row > head[0]) + [1] * (food_column > head[1])
            wanted += [3] * (food_column < head[1])
            action = int(rng.choice(wanted)) if rng.random() < 0.95 else int(rng.integers(4))
            seen, reward, over, _ = env.step(action)
            seen = np.asarray(seen)
            assert (reward, over) == hand.step(action, (food_row, food_column))
            ends.add((reward, over))
            grown = max(grown, len(hand.body))
            if over:
                break
            assert places(seen[..., 0]) == {hand.body[0]} and places(seen[..., 1]) == set(hand.body)
            ages = [seen[at[0], at[1], 1] for at in hand.body]
            assert ages == sorted(ages, reverse=True) and ages[0] == 1
    assert grown > 6 and {(-1.0, True), (1.0, False), (0.0, False)} <= ends


def test_food_comes_anywhere() -> None:
    env = made("snake")
    found: set[tuple[int, int]] = set()
    for seed in range(400):
        found |= places(np.asarray(env.reset(seed))[..., 2])
    assert len(found) == 36
