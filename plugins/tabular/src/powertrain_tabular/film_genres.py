"""The genres of films, from who rated them and how: 19 labels, of which a film has any number."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from powertrain.data import ArrayDataset, DataError, DataModule, read_r_table
from powertrain.plugin import Data, param
from powertrain_tabular.multilabel import MultiLabel
from powertrain_tabular.named import folder_of_package
from powertrain_tabular.ratings import Ratings, ratings_of


class FilmGenres(Data):
    """Films of MovieLens by the ratings of 671 users, and their genres. For each user, x has whether they rated the
    film, over the root of how many did. Behind these are their ratings less the mean of each user, over the same. Films
    without a genre are left out."""

    @dataclass(frozen=True, kw_only=True)
    class Params:
        fewest: int = param(5, low=1, doc="ratings that a film needs to be taken")
        path: Path | None = param(
            None, doc="the folder of the files; else $POWERTRAIN_DATA and where a package puts them"
        )

    @classmethod
    def build(cls, params: Params, base: Path) -> DataModule:
        ratings = ratings_of(read_r_table(folder_of_package("dslabs", base, params.path, "film-genres"), "movielens"))
        train = films_of(ratings, params.fewest)
        made = DataModule("film-genres", "multi-label", {"train": train}, len(ratings.names), labels=ratings.names)
        return cls.reopen(params, made)

    @classmethod
    def reopen(cls, params: Any, kept: DataModule) -> DataModule:
        return dataclasses.replace(kept, own_task=MultiLabel())


def films_of(ratings: Ratings, fewest: int) -> ArrayDataset:
    """An example for each film that has enough ratings, and a genre."""
    users, films = int(ratings.users.max()) + 1, len(ratings.years)
    counts = np.bincount(ratings.films, minlength=films)
    chosen = np.flatnonzero((counts >= fewest) & ratings.genres.any(axis=1))
    if not len(chosen):
        raise DataError("film-genres", f"no film has {fewest} ratings and a genre", "expected some", "lower fewest")
    means = np.bincount(ratings.users, ratings.stars, users) / np.bincount(ratings.users, minlength=users)
    seen, above = (np.zeros((films, users), np.float32) for _ in range(2))
    seen[ratings.films, ratings.users] = 1
    above[ratings.films, ratings.users] = ratings.stars - means[ratings.users]
    scale = np.sqrt(counts[chosen, None]).astype(np.float32)
    x = np.concatenate([seen[chosen] / scale, above[chosen] / scale], axis=1)
    return ArrayDataset(x=x, y=ratings.genres[chosen].astype(np.float32))
