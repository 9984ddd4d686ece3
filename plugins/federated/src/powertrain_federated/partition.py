"""Which client has which training examples: a function of the seed, the number of clients and the labels."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from powertrain.data import permutation

Rows = NDArray[np.int64]

DEAL = 1  # call of a seed's permutations; splits of the data have the one before


def evenly(count: int, clients: int, seed: int) -> list[Rows]:
    """Examples at random, as many for each client, up to one."""
    return [np.sort(part) for part in np.array_split(permutation(count, seed, DEAL), clients)]


def sorted_pieces(labels: NDArray[Any], clients: int, pieces: int, seed: int) -> list[Rows]:
    """Examples sorted by label, cut into pieces of one size, up to one, of which each client gets some at random.

    With two pieces each, most clients have two classes.

    Source    McMahan et al. 2017
    """
    mixed = permutation(len(labels), seed, DEAL)
    cut = np.array_split(mixed[np.argsort(labels[mixed], kind="stable")], clients * pieces)
    dealt = permutation(len(cut), seed, DEAL).reshape(clients, pieces)
    return [np.sort(np.concatenate([cut[piece] for piece in own])) for own in dealt]


def by_dirichlet(labels: NDArray[Any], clients: int, alpha: float, seed: int) -> list[Rows]:
    """The examples of each class are divided by shares that are drawn from a symmetric Dirichlet distribution. Small
    alphas give most of a class to few clients. A client that would have nothing gets an example of the largest one.

    Source    Yurochkin et al. 2019; Li et al. 2022
    """
    # RandomState draws the same numbers in every version of NumPy, which newer generators do not promise.
    random = np.random.RandomState(np.array([seed & 0xFFFFFFFF, seed >> 32], dtype=np.uint32))
    mixed = permutation(len(labels), seed, DEAL)
    dealt: list[list[Rows]] = [[] for _ in range(clients)]
    for label in np.unique(labels):
        rows = mixed[labels[mixed] == label]
        amounts = np.maximum(random.standard_gamma(alpha, clients), np.finfo(np.float64).tiny)
        ends = np.floor(np.cumsum(amounts / amounts.sum())[:-1] * len(rows)).astype(np.int64)
        for own, part in zip(dealt, np.split(rows, ends), strict=True):
            own.append(part)
    parts = [np.concatenate(own) for own in dealt]
    for client in range(clients):
        if len(parts[client]) == 0:
            largest = max(range(clients), key=lambda one: len(parts[one]))
            parts[largest], parts[client] = parts[largest][1:], parts[largest][:1]
    return [np.sort(part) for part in parts]
