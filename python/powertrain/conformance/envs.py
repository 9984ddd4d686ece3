"""Checks of environments: episodes that hang on their seed and the actions alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from powertrain.conformance.elsewhere import elsewhere
from powertrain.conformance.finding import Finding, Subject, no_global_random, same
from powertrain.conformance.leaks import check_leaks
from powertrain.conformance.usage import check_effects
from powertrain.errors.methods import overridden

SEED, OTHER_SEED = 11, 12
FAR_EPISODES, FAR_STEPS = 6, 300
STEPS, BEFORE = 25, 4  # of an episode that is compared, and of it before its state is saved


@dataclass
class Episode:
    """What was seen and got."""

    seen: list[Any] = field(default_factory=list)  # with what reset gave
    rewards: list[Any] = field(default_factory=list)
    done: list[bool] = field(default_factory=list)
    kept: list[Any] = field(default_factory=list)  # the environment's own arrays, as they are afterwards

    def step(self, env: Any, action: int) -> None:
        observation, reward, done = env.step(action)
        self.see(observation)
        self.rewards.append(reward)
        self.done.append(bool(done))

    def see(self, observation: Any) -> None:
        self.kept.append(np.asarray(observation))
        self.seen.append(self.kept[-1].copy())

    def same(self, other: Episode) -> bool:
        alike = len(self.seen) == len(other.seen) and self.done == other.done
        return alike and all(map(same, self.seen, other.seen)) and same(self.rewards, other.rewards)


def check_env(subject: Subject) -> Iterator[Finding]:
    try:
        with no_global_random(subject, "an episode") as drawn:
            env = subject.plugin.build(subject.params)
            wanted, count = np.asarray(env.observation), int(env.actions)
            actions = [(7 * at + at // 3) % count for at in range(STEPS)]
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
            "set everything anew in reset, or save what lasts by state() and restore(arrays)",
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
        yield from _far(subject, wanted, count)
        env = subject.plugin.build(subject.params)
        yield from check_leaks(subject, "an episode", lambda: play(env, SEED, actions[:BEFORE]))
        yield from check_effects(subject, lambda params: _results(subject.plugin.build(params), count))


def _results(env: Any, count: int) -> Iterator[bytes]:
    yield repr((np.shape(env.observation), int(env.actions))).encode()
    for seed in range(FAR_EPISODES):
        episode = play(env, seed, _many(seed, count))
        yield b"".join(map(np.ndarray.tobytes, episode.seen)) + repr((episode.rewards, episode.done)).encode()


def _many(seed: int, count: int) -> list[int]:
    """Actions of a long episode: drawn, or one again and again."""
    if seed < count:
        return [seed] * FAR_STEPS
    return [int(action) for action in np.random.Generator(np.random.Philox(seed)).integers(0, count, FAR_STEPS)]


def _far(subject: Subject, wanted: Any, count: int) -> Iterator[Finding]:
    """Long episodes, with actions that nobody would choose."""
    env = subject.plugin.build(subject.params)
    for seed in range(FAR_EPISODES):
        try:
            found = list(_form(subject, play(env, seed, _many(seed, count)), wanted))
        except Exception as error:
            found = [subject.raised(f"an episode of up to {FAR_STEPS} steps", error)]
        yield from found
        if found:
            return


def _beside(subject: Subject, actions: list[int]) -> Episode:
    """The same episode, while another one is played on another object."""
    env, other = subject.plugin.build(subject.params), subject.plugin.build(subject.params)
    episode, beside = Episode(), Episode()
    episode.see(env.reset(SEED))
    beside.see(other.reset(OTHER_SEED))
    for action in actions:
        episode.step(env, action)
        if episode.done[-1]:
            break
        if not (beside.done and beside.done[-1]):
            beside.step(other, action)
    return episode


def play(env: Any, seed: int, actions: list[int]) -> Episode:
    episode = Episode()
    episode.see(env.reset(seed))
    for action in actions:
        episode.step(env, action)
        if episode.done[-1]:
            break
    return episode


def _later(env: Any, actions: list[int]) -> Episode:
    """The same episode, on an object that has played another meanwhile."""
    play(env, OTHER_SEED, actions)
    return play(env, SEED, actions)


def _resumed(subject: Subject, actions: list[int]) -> tuple[Episode, Episode]:
    """The rest of an episode, and that of an object that knows only the saved state."""
    env, other = subject.plugin.build(subject.params), subject.plugin.build(subject.params)
    if play(env, SEED, actions[:BEFORE]).done[-1]:
        env.reset(OTHER_SEED)
    state = {name: np.array(value) for name, value in env.state().items()}
    other.reset(OTHER_SEED)
    other.restore({name: value.copy() for name, value in state.items()})
    rest = Episode(), Episode()
    for action in actions[BEFORE:]:
        for one, episode in zip((env, other), rest, strict=True):
            episode.step(one, action)
        if rest[0].done[-1] or rest[1].done[-1]:
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
