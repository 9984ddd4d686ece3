"""Checks of environments: episodes that hang on their seed and the actions alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import powertrain as pt
from powertrain.conformance.elsewhere import elsewhere
from powertrain.conformance.finding import Finding, Subject, no_global_random, same
from powertrain.conformance.leaks import check_leaks
from powertrain.conformance.usage import check_effects
from powertrain.errors.methods import overridden
from powertrain.plugin.environment import Box, TracedEnvironment, uniform_rows

SEED, OTHER_SEED = 11, 12
FAR_EPISODES, FAR_STEPS = 6, 300
STEPS, BEFORE = 25, 4  # of an episode that is compared, and of it before its state is saved


@dataclass
class Episode:
    """What was seen and got."""

    seen: list[Any] = field(default_factory=list)  # with what reset gave
    rewards: list[Any] = field(default_factory=list)
    ends: list[tuple[bool, bool]] = field(default_factory=list)  # terminated, truncated
    kept: list[Any] = field(default_factory=list)  # the environment's own arrays, as they are afterwards

    def step(self, env: Any, action: Any) -> None:
        observation, reward, terminated, truncated = env.step(action)
        self.see(observation)
        self.rewards.append(reward)
        self.ends.append((bool(terminated), bool(truncated)))

    @property
    def over(self) -> bool:
        return bool(self.ends) and any(self.ends[-1])

    def see(self, observation: Any) -> None:
        self.kept.append(np.asarray(observation))
        self.seen.append(self.kept[-1].copy())

    def same(self, other: Episode) -> bool:
        alike = len(self.seen) == len(other.seen) and self.ends == other.ends
        return alike and all(map(same, self.seen, other.seen)) and same(self.rewards, other.rewards)


def check_env(subject: Subject) -> Iterator[Finding]:
    try:
        with no_global_random(subject, "an episode") as drawn:
            env = subject.plugin.build(subject.params)
            wanted, space = np.asarray(env.observation), env.actions
            actions = [action_of(space, 7 * at + at // 3) for at in range(STEPS)]
            first = play(env, SEED, actions)
    except Exception as error:
        yield subject.raised("an episode", error)
        return
    yield from drawn
    found = list(_form(subject, first, wanted))
    yield from found
    if drawn or found:
        return
    try:
        with elsewhere(*subject.modules):
            again = play(subject.plugin.build(subject.params), SEED, actions)
        beside = _beside(subject, actions)
        saved = overridden(env, "state")
        later = None if saved else _later(env, actions)
        resumed = _resumed(subject, actions) if saved else None
    except Exception as error:
        yield subject.raised("another episode", error)
        return
    if not first.same(again):
        yield subject.finding(
            "not-repeatable",
            "the same seed and actions give another episode",
            "the same one, since a run is resumed by playing it again",
            "draw from a generator that reset(seed) makes",
        )
    elif later is not None and not first.same(later):
        yield subject.finding(
            "state-on-self",
            "after another episode the same seed and actions give another one",
            "the same one, since a resumed run plays the last episode alone",
            "set everything again in reset, or save what lasts by state() and restore(arrays)",
        )
    elif not first.same(beside):
        yield subject.finding(
            "shared",
            "beside another one that is played too, the same seed and actions give another episode",
            "each to know its own episode alone, since a run plays several copies",
            "keep nothing on the class or in the module",
        )
    elif resumed is not None and not resumed[0].same(resumed[1]):
        yield subject.finding(
            "state",
            "one that restores what state() gave goes on otherwise",
            "the same observations, rewards and ends",
            "add what is missing to state() and restore(arrays)",
        )
    else:
        yield from _far(subject, wanted, space)
        if isinstance(env, TracedEnvironment):
            yield from _copies(subject, space)
        env = subject.plugin.build(subject.params)
        yield from check_leaks(subject, "an episode", lambda: play(env, SEED, actions[:BEFORE]))
        yield from check_effects(subject, lambda params: _results(subject.plugin.build(params)))


def action_of(space: Any, number: int) -> Any:
    """One of the actions that there are, by any number: of a box the middle, an edge or a place between."""
    if not isinstance(space, Box):
        return number % int(space)
    low, high = np.asarray(space.low, np.float32), np.asarray(space.high, np.float32)
    shares = [(number + at) % 5 / 4 for at in range(space.size)]
    return (low + (high - low) * np.asarray(shares, np.float32)).clip(low, high)


def _results(env: Any) -> Iterator[bytes]:
    yield repr((np.shape(env.observation), env.actions)).encode()
    for seed in range(FAR_EPISODES):
        episode = play(env, seed, _many(seed, env.actions))
        yield b"".join(map(np.ndarray.tobytes, episode.seen)) + repr((episode.rewards, episode.ends)).encode()


def _many(seed: int, space: Any) -> list[Any]:
    """Actions of a long episode: drawn, or one again and again."""
    if seed < (5 if isinstance(space, Box) else int(space)):
        return [action_of(space, seed)] * FAR_STEPS
    drawn = np.random.Generator(np.random.Philox(seed)).integers(0, 1 << 16, FAR_STEPS)
    return [action_of(space, int(number)) for number in drawn]


def _far(subject: Subject, wanted: Any, space: Any) -> Iterator[Finding]:
    """Long episodes, with actions that nobody would choose."""
    env = subject.plugin.build(subject.params)
    for seed in range(FAR_EPISODES):
        try:
            found = list(_form(subject, play(env, seed, _many(seed, space)), wanted))
        except Exception as error:
            found = [subject.raised(f"an episode of up to {FAR_STEPS} steps", error)]
        yield from found
        if found:
            return


def _copies(subject: Subject, space: Any) -> Iterator[Finding]:
    """Two copies of a traced environment, in one program and each alone."""
    env = subject.plugin.build(subject.params)
    uniform = uniform_rows(env, [SEED, OTHER_SEED])
    actions = np.stack([[action_of(space, 7 * at), action_of(space, 3 * at + 1)] for at in range(BEFORE)])
    together = _rolled(env, uniform, actions)
    alone = [_rolled(env, uniform[at : at + 1], actions[:, at : at + 1]) for at in range(2)]
    if not all(same(seen, np.concatenate(ones)) for seen, *ones in zip(together, *alone, strict=True)):
        yield subject.finding(
            "examples-mixed",
            "beside another copy, the same state and actions give another episode",
            "each copy to know its own row of the state alone",
            "leave the first axis of the state as it is: no mean over it, no fixed row",
        )


def _rolled(env: Any, uniform: Any, actions: Any) -> list[Any]:
    """What copies see and get, in one compiled loop."""

    def roll(uniform: Any, actions: Any) -> Any:
        def step(state: Any, action: Any) -> Any:
            after, reward, terminated = env.advance(state, action)
            return dict(after), (env.see(after), reward, terminated)

        return pt.scan(step, dict(env.begin(uniform)), actions)[1]

    return [np.moveaxis(part.numpy(), 1, 0) for part in pt.compile(roll)(uniform, actions)]


def _beside(subject: Subject, actions: list[int]) -> Episode:
    """The same episode, while another one is played on another object."""
    env, other = subject.plugin.build(subject.params), subject.plugin.build(subject.params)
    episode, beside = Episode(), Episode()
    episode.see(env.reset(SEED))
    beside.see(other.reset(OTHER_SEED))
    for action in actions:
        episode.step(env, action)
        if episode.over:
            break
        if not beside.over:
            beside.step(other, action)
    return episode


def play(env: Any, seed: int, actions: list[int]) -> Episode:
    episode = Episode()
    episode.see(env.reset(seed))
    for action in actions:
        episode.step(env, action)
        if episode.over:
            break
    return episode


def _later(env: Any, actions: list[int]) -> Episode:
    """The same episode, on an object that has played another meanwhile."""
    play(env, OTHER_SEED, actions)
    return play(env, SEED, actions)


def _resumed(subject: Subject, actions: list[int]) -> tuple[Episode, Episode]:
    """The rest of an episode, and that of an object that knows only the saved state."""
    env, other = subject.plugin.build(subject.params), subject.plugin.build(subject.params)
    if play(env, SEED, actions[:BEFORE]).over:
        env.reset(OTHER_SEED)
    state = {name: np.array(value) for name, value in env.state().items()}
    other.reset(OTHER_SEED)
    other.restore({name: value.copy() for name, value in state.items()})
    rest = Episode(), Episode()
    for action in actions[BEFORE:]:
        for one, episode in zip((env, other), rest, strict=True):
            episode.step(one, action)
        if rest[0].over or rest[1].over:
            break
    return rest


def _form(subject: Subject, episode: Episode, wanted: Any) -> Iterator[Finding]:
    for number, observation in enumerate(episode.seen):
        if observation.shape != wanted.shape:
            who = f"step {number}" if number else "reset"
            yield subject.finding(
                "observation",
                f"{who} gives an observation {list(observation.shape)}",
                f"{list(wanted.shape)}, as `observation` says",
                "make both alike",
            )
            return
    for number, reward in enumerate(episode.rewards, 1):
        if np.ndim(reward) != 0 or not np.isfinite(float(reward)):
            received = f"a reward of shape {list(np.shape(reward))}" if np.ndim(reward) else f"the reward {reward}"
            yield subject.finding("not-finite", f"step {number} gives {received}", "one number", "fix the reward")
            return
    if any(one.dtype.kind == "f" and not np.isfinite(one).all() for one in episode.seen):
        yield subject.finding("not-finite", "an observation is not finite", "numbers", "look at its arithmetic")
    elif not all(map(same, episode.seen, episode.kept)):
        yield subject.finding(
            "reused-array",
            "an observation changes when the next one is made",
            "an array of its own for each, since a run keeps them",
            "give a copy",
        )
