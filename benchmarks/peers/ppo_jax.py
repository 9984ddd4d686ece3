"""PPO on CartPole in JAX, all of it one compiled function, in the form of PureJaxRL (Lu et al. 2022): environment,
advantages and updates are scans. Written from the papers, with the settings and the arithmetic of powertrain-rl.

    python benchmarks/peers/ppo_jax.py '{"steps": 200000, "seed": 0, ...}'    # prints one line of JSON
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import jax
import jax.numpy as jnp
import optax

EDGE, LEAN = 2.4, 12 * jnp.pi / 180


def begin(key: Any, copies: int) -> Any:
    return jax.random.uniform(key, (copies, 4), minval=-0.05, maxval=0.05)


def advance(state: Any, action: Any) -> tuple[Any, Any]:
    place, speed, angle, spin = state.T
    force = jnp.where(action == 1, 10.0, -10.0)
    cos, sin = jnp.cos(angle), jnp.sin(angle)
    pushed = (force + 0.05 * spin * spin * sin) / 1.1
    turning = (9.8 * sin - cos * pushed) / (0.5 * (4.0 / 3.0 - 0.1 * cos * cos / 1.1))
    moving = pushed - 0.05 * turning * cos / 1.1
    after = jnp.stack([place + 0.02 * speed, speed + 0.02 * moving, angle + 0.02 * spin, spin + 0.02 * turning], axis=1)
    return after, (jnp.abs(after[:, 0]) > EDGE) | (jnp.abs(after[:, 2]) > LEAN)


def network(key: Any, widths: list[int], last: float) -> list[Any]:
    keys = jax.random.split(key, len(widths) - 1)
    gains = [*[jnp.sqrt(2.0)] * (len(widths) - 2), last]
    made = []
    for at, gain in enumerate(gains):
        weight = jax.nn.initializers.orthogonal(gain)(keys[at], (widths[at], widths[at + 1]))
        made.append((weight, jnp.zeros(widths[at + 1])))
    return made


def through(layers: list[Any], x: Any) -> Any:
    for weight, bias in layers[:-1]:
        x = jnp.tanh(x @ weight + bias)
    weight, bias = layers[-1]
    return x @ weight + bias


def trainer(settings: dict[str, Any]) -> tuple[Any, Any]:
    """The first state, and one round as a compiled function."""
    copies, horizon, batch = settings["copies"], settings["horizon"], settings["minibatch"]
    rows, discount = copies * horizon, settings["discount"]
    rule = optax.chain(optax.clip_by_global_norm(settings["clip_norm"]), optax.adam(settings["lr"]))
    widths = list(settings["hidden"])

    def first(seed: int) -> Any:
        keys = jax.random.split(jax.random.PRNGKey(seed), 4)
        weights = {"actor": network(keys[0], [4, *widths, 2], 0.01), "critic": network(keys[1], [4, *widths, 1], 1.0)}
        return weights, rule.init(weights), begin(keys[2], copies), jnp.zeros(copies, jnp.int32), keys[3]

    def play(carry: Any, _: Any) -> Any:
        weights, state, age, key = carry
        key, drawn, fresh = jax.random.split(key, 3)
        scores = through(weights["actor"], state)
        action = jax.random.categorical(drawn, scores)
        after, terminated = advance(state, action)
        age = age + 1
        done = terminated | (age >= settings["longest"])
        chance = jnp.take_along_axis(jax.nn.log_softmax(scores), action[:, None], axis=1)[:, 0]
        told = {"x": state, "action": action, "chance": chance, "next": after, "terminated": terminated, "done": done}
        state = jnp.where(done[:, None], begin(fresh, copies), after)
        return (weights, state, jnp.where(done, 0, age), key), told

    def loss(weights: Any, rows: Any) -> Any:
        logs = jax.nn.log_softmax(through(weights["actor"], rows["x"]))
        ratio = jnp.exp(jnp.take_along_axis(logs, rows["action"][:, None], axis=1)[:, 0] - rows["chance"])
        near = jnp.clip(ratio, 1 - settings["clip"], 1 + settings["clip"])
        gain = jnp.minimum(ratio * rows["advantage"], near * rows["advantage"])
        error = jnp.square(through(weights["critic"], rows["x"])[:, 0] - rows["target"])
        entropy = -jnp.sum(jnp.exp(logs) * logs, axis=1)
        return jnp.mean(-gain + 0.5 * settings["value"] * error - settings["entropy"] * entropy)

    def learn(carry: Any, rows: Any) -> Any:
        weights, moments = carry
        gradients = jax.grad(loss)(weights, rows)
        updates, moments = rule.update(gradients, moments)
        return (optax.apply_updates(weights, updates), moments), None

    @jax.jit
    def round(carry: Any) -> Any:
        weights, moments, state, age, key = carry
        (_, state, age, key), told = jax.lax.scan(play, (weights, state, age, key), None, length=horizon)
        values = through(weights["critic"], told["x"])[..., 0]
        following = through(weights["critic"], told["next"])[..., 0]
        more = 1.0 + discount * (1 - told["terminated"]) * following - values
        carried = discount * settings["gae"] * (1 - told["done"])

        def back(later: Any, row: Any) -> Any:
            advantage = row[0] + row[1] * later
            return advantage, advantage

        _, advantage = jax.lax.scan(back, jnp.zeros(copies), (more, carried), reverse=True)
        target = advantage + values
        advantage = (advantage - advantage.mean()) / (advantage.std() + 1e-8)
        flat = {"x": told["x"], "action": told["action"], "chance": told["chance"], "advantage": advantage}
        flat = jax.tree.map(lambda part: part.reshape(rows, *part.shape[2:]), {**flat, "target": target})

        def epoch(carry: Any, key: Any) -> Any:
            order = jax.random.permutation(key, rows)
            parts = jax.tree.map(lambda part: part[order].reshape(-1, batch, *part.shape[1:]), flat)
            return jax.lax.scan(learn, carry, parts)

        key, *keys = jax.random.split(key, settings["epochs"] + 1)
        (weights, moments), _ = jax.lax.scan(epoch, (weights, moments), jnp.stack(keys))
        return weights, moments, state, age, key

    return first, round


def evaluated(weights: Any, longest: int, episodes: int = 100) -> float:
    def step(carry: Any, _: Any) -> Any:
        state, going, total = carry
        after, terminated = advance(state, jnp.argmax(through(weights["actor"], state), axis=1))
        return (after, going & ~terminated, total + going), None

    first = (begin(jax.random.PRNGKey(10_000), episodes), jnp.ones(episodes, bool), jnp.zeros(episodes))
    return float(jax.lax.scan(step, first, None, length=longest)[0][2].mean())


def main() -> None:
    settings = json.loads(sys.argv[1])
    began = time.perf_counter()
    first, round = trainer(settings)
    carry = jax.block_until_ready(round(first(settings["seed"])))
    compiled = time.perf_counter()
    rounds = settings["steps"] // (settings["copies"] * settings["horizon"])
    for _ in range(rounds - 1):
        carry = round(carry)
    jax.block_until_ready(carry)
    ended = time.perf_counter()
    rate = (rounds - 1) * settings["copies"] * settings["horizon"] / (ended - compiled)
    reached = evaluated(carry[0], settings["longest"])
    print(json.dumps({"rate": rate, "seconds": ended - began, "return": reached}))


if __name__ == "__main__":
    main()
