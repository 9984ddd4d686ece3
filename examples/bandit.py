"""Learn from rewards alone: a policy chooses, sees what its choice was worth, and nothing of the others.

python bandit.py

A visitor is eight numbers; one of five offers is shown; the reward is 1 if the visitor takes it. The policy gradient
(Williams 1992) raises the probability of choices that gave more than was expected.
"""

import argparse

import numpy as np

import powertrain as pt
import powertrain.nn as nn
import powertrain.nn.functional as F

OFFERS, FEATURES = 5, 8


class World:
    """Who takes what: hidden from the policy."""

    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)
        self.taste = self.rng.normal(size=(FEATURES, OFFERS))

    def visitors(self, count):
        return self.rng.normal(size=(count, FEATURES)).astype("float32")

    def chances(self, visitors):
        return 1 / (1 + np.exp(-(visitors @ self.taste - 1)))

    def rewards(self, visitors, offers):
        chance = self.chances(visitors)[np.arange(len(visitors)), offers]
        return (self.rng.random(len(visitors)) < chance).astype("float32")


class Policy(nn.Module):
    """A score for each offer, and a guess of the reward to compare with."""

    def __init__(self, hidden):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(FEATURES, hidden), nn.Tanh())
        self.scores, self.expected = nn.Linear(hidden, OFFERS), nn.Linear(hidden, 1)

    def forward(self, x):
        x = self.body(x)
        return self.scores(x), self.expected(x)[:, 0]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=1500)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--entropy", type=float, default=0.01, help="reward for trying: keeps the choices varied")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()

    pt.random.seed(args.seed)
    world, policy = World(args.seed), Policy(64)
    optimizer = pt.optim.Adam(policy, lr=3e-3)
    rng = pt.random.Generator(args.seed)

    @pt.compile
    def choose(visitors):
        scores, _ = policy(visitors)
        return pt.argmax(scores + rng.gumbel(size=scores.shape), axis=1)  # a draw by the probabilities

    def loss_fn(visitors, offers, rewards):
        scores, expected = policy(visitors)
        gain = pt.stop_gradient(rewards - expected)
        surprise = F.cross_entropy(scores, offers, reduction="none")  # minus the log of the probability
        probabilities = pt.softmax(scores, axis=-1)
        entropy = -(probabilities * pt.log_softmax(scores, axis=-1)).sum(axis=-1).mean()
        return (surprise * gain).mean() + 0.5 * ((expected - rewards) ** 2).mean() - args.entropy * entropy

    loss_and_grads = nn.value_and_grad(policy, loss_fn)

    @pt.compile
    def learn(visitors, offers, rewards):
        _loss, grads = loss_and_grads(visitors, offers, rewards)
        optimizer.update(grads)

    got = []
    for number in range(1, args.rounds + 1):
        visitors = world.visitors(args.batch_size)
        offers = choose(visitors).numpy()
        rewards = world.rewards(visitors, offers)
        learn(visitors, offers, rewards)
        got.append(rewards.mean())
        if number % max(args.rounds // 5, 1) == 0:
            print(f"round {number}: mean reward {np.mean(got[-args.rounds // 5 :]):.3f}")

    visitors = world.visitors(4000)
    chances = world.chances(visitors)
    best = policy(visitors)[0].numpy().argmax(axis=1)
    learned = chances[np.arange(4000), best].mean()
    print(f"at random {chances.mean():.3f}, learned {learned:.3f}, possible {chances.max(axis=1).mean():.3f}")


if __name__ == "__main__":
    main()
