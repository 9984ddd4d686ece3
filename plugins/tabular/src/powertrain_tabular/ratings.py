"""Ratings of films (MovieLens, 671 users), from Debian's r-cran-dslabs: lists of films to rank, one for each user."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from powertrain.data import (
    ArrayDataset,
    DataError,
    DataModule,
    permutation,
    read_r_table,
)
from powertrain.plugin import Data, param
from powertrain_tabular.named import folder_of_package
from powertrain_tabular.ranking import PADDING, Ranking

NEEDED = ("movieId", "year", "genres", "userId", "rating", "timestamp")
COLUMNS = (
    "mean rating", "ratings", "spread of ratings", "year", "mean of the user", "spread of the user",
    "films of its genres", "liking for its genres", "ratings of similar films", "similar films", "years from the usual",
)  # fmt: skip
FEWEST = 5.0  # ratings that the mean of all counts as, beside those of one film or one genre
SIMILAR = 10.0  # the same of pairs of ratings, by which two films are similar


@dataclass(frozen=True)
class Ratings:
    """Ratings in the order of users, and of time within one; `films` are the numbers of films from 0 on."""

    users: NDArray[np.int64]
    films: NDArray[np.int64]
    stars: NDArray[np.float64]
    years: NDArray[np.float64]  # of each film
    genres: NDArray[np.float64]  # [films, genres], 1 where a film is of one
    names: tuple[str, ...]  # of the genres


@dataclass(frozen=True, kw_only=True)
class UserSplit:
    """The [data.split] table of ratings: each user is in one part."""

    valid: float = param(0.0, low=0, below=1, doc="share of the users that is watched during training")
    test: float = param(0.2, low=0, below=1, doc="share of the users that is looked at once")
    seed: int = param(0, low=0, doc="chooses the users")

    def __post_init__(self) -> None:
        if self.valid + self.test >= 1:
            raise ValueError(f"valid = {self.valid:g} and test = {self.test:g}; expected less than 1 together")


class FilmLists(Data):
    """A list of films for each user, by how much they liked them: the first half of a user's ratings is known, and
    films of the second half are to be ranked. Stars become grades from 0 (2.5 and less) to 4 (4.5 and 5)."""

    @dataclass(frozen=True, kw_only=True)
    class Params:
        most: int = param(40, low=2, doc="films of a list: the first that the user rated in the second half")
        path: Path | None = param(
            None, doc="the folder of the files; else $POWERTRAIN_DATA and where a package puts them"
        )
        split: UserSplit = field(default_factory=UserSplit)

    @classmethod
    def build(cls, params: Params, base: Path) -> DataModule:
        ratings = ratings_of(read_r_table(folder_of_package("dslabs", base, params.path, "film-lists"), "movielens"))
        parts = lists_of(ratings, params.most, params.split)
        return cls.reopen(params, DataModule("film-lists", "ranking", parts, params.most, columns=COLUMNS))

    @classmethod
    def reopen(cls, params: Any, kept: DataModule) -> DataModule:
        return dataclasses.replace(kept, own_task=Ranking())


def ratings_of(columns: dict[str, list[Any]]) -> Ratings:
    """The ratings of the table `movielens`."""
    lacking = [name for name in NEEDED if name not in columns]
    if lacking:
        raise DataError("film-lists", f"no column {lacking[0]}", f"expected {', '.join(NEEDED)}", "fetch it again")
    numbers = {name: np.array(columns[name], dtype=np.float64) for name in NEEDED if name != "genres"}
    order = np.lexsort((numbers["movieId"], numbers["timestamp"], numbers["userId"]))
    _, firsts, films = np.unique(numbers["movieId"], return_index=True, return_inverse=True)
    texts = [str(columns["genres"][row]).split("|") for row in firsts]
    names = tuple(sorted({name for text in texts for name in text if not name.startswith("(")}))
    genres = np.array([[name in text for name in names] for text in texts], dtype=np.float64)
    years = numbers["year"][firsts]
    years = np.where(np.isnan(years), np.nanmedian(years), years)
    _, users = np.unique(numbers["userId"], return_inverse=True)
    return Ratings(users[order], films[order], numbers["rating"][order], years, genres, names)


def lists_of(ratings: Ratings, most: int, split: UserSplit) -> dict[str, ArrayDataset]:
    """The lists of the users of each part. What is known of films comes from training users alone, and of a training
    user from the others."""
    count = int(ratings.users.max()) + 1
    order = permutation(count, split.seed, 0)
    held, watched = round(split.test * count), round(split.valid * count)
    users = {"train": order[held + watched :], "valid": order[held : held + watched], "test": order[:held]}
    begins = np.searchsorted(ratings.users, np.arange(count + 1))
    known = _Known(ratings, users["train"])
    made: dict[str, tuple[Any, Any]] = {}
    for part, chosen in users.items():
        spans = [(int(begins[user]), int(begins[user + 1])) for user in np.sort(chosen)]
        rows = [_list(ratings, known, span, most, part == "train") for span in spans]
        if rows:
            made[part] = np.stack([x for x, _ in rows]), np.stack([y for _, y in rows])
    # Columns on one scale, that of the films of training lists; an item that is not there is all zeros.
    items = made["train"][0][made["train"][1] >= 0]
    mean, deviation = items.mean(axis=0), items.std(axis=0)
    return {
        part: ArrayDataset(
            x=((x - mean) / np.where(deviation > 0, deviation, 1) * (y >= 0)[..., None]).astype(np.float32),
            y=y.astype(np.float32),
        )
        for part, (x, y) in made.items()
    }


class _Known:
    """What training users say of films: sums of their ratings, and products of what each rated above or below the
    user's own mean, of two films at a time."""

    def __init__(self, ratings: Ratings, users: NDArray[np.int64]) -> None:
        films = len(ratings.years)
        of_train = np.isin(ratings.users, users)
        each, rated, stars = ratings.users[of_train], ratings.films[of_train], ratings.stars[of_train]
        self.mean = float(stars.mean())
        self.counts = np.bincount(rated, minlength=films).astype(np.float64)
        self.sums = np.bincount(rated, stars, films)
        self.squares = np.bincount(rated, stars**2, films)
        above = np.zeros((count := int(ratings.users.max()) + 1, films), np.float32)
        totals = np.bincount(each, stars, count) / np.maximum(np.bincount(each, minlength=count), 1)
        above[each, rated] = stars - totals[each]
        self.above = above  # [users, films]

    def of_films(self, films: Any, own: Any) -> NDArray[np.float64]:
        """Mean, count and spread of the ratings of films, without these ratings of a user's own (NaN: none)."""
        there = ~np.isnan(own)
        stars = np.where(there, own, 0.0)
        counts = self.counts[films] - there
        mean = (self.sums[films] - stars + FEWEST * self.mean) / (counts + FEWEST)
        square = (self.squares[films] - stars**2 + FEWEST * (self.mean**2 + 1)) / (counts + FEWEST)
        return np.stack([mean, np.log1p(counts), np.sqrt(np.maximum(square - mean**2, 0))], axis=1)

    def similar(self, films: Any, before: Any, own: Any | None) -> NDArray[np.float64]:
        """[films, before]: cosines of what training users, but for a user of `own` ratings, rated above their means."""
        one, other = self.above[:, films].astype(np.float64), self.above[:, before].astype(np.float64)
        products, squares, others = one.T @ other, (one**2).sum(axis=0), (other**2).sum(axis=0)
        if own is not None:
            mine, theirs = own
            products -= np.outer(mine, theirs)
            squares, others = squares - mine**2, others - theirs**2
        return products / (np.sqrt(np.maximum(np.outer(squares, others), 0)) + SIMILAR)


def _list(ratings: Ratings, known: _Known, span: tuple[int, int], most: int, trains: bool) -> tuple[Any, Any]:
    """The films of a user's second half, with what is known of them and of the first half: x [most, columns], y."""
    begin, end = span
    middle = begin + (end - begin) // 2
    last = min(end, middle + most)
    films, stars = ratings.films[middle:last], ratings.stars[middle:last]
    before, liked = ratings.films[begin:middle], ratings.stars[begin:middle]
    mean, spread = liked.mean(), liked.std()
    facts = known.of_films(films, stars if trains else np.full(len(films), np.nan))
    of_before = known.of_films(before, liked if trains else np.full(len(before), np.nan))[:, 0]
    shared = ratings.genres[films] @ ratings.genres[before].T
    near = shared / np.maximum(shared.max(axis=1, keepdims=True), 1)
    off = liked - of_before
    own = None
    if trains:
        row = known.above[ratings.users[begin]]
        own = row[films].astype(np.float64), row[before].astype(np.float64)
    cosines = np.maximum(known.similar(films, before, own), 0)
    columns = [
        *facts.T, ratings.years[films], np.full(len(films), mean), np.full(len(films), spread),
        np.log1p((shared > 0).sum(axis=1)), near @ off / (near.sum(axis=1) + FEWEST),
        cosines @ off / (cosines.sum(axis=1) + 0.1), np.log1p(cosines.sum(axis=1)),
        np.abs(ratings.years[films] - ratings.years[before].mean()),
    ]  # fmt: skip
    x = np.zeros((most, len(COLUMNS)))
    y = np.full(most, PADDING)
    x[: len(films)] = np.stack(columns, axis=1)
    y[: len(films)] = np.clip(np.floor(2 * (stars - 2)) - 1, 0, 4)
    return x, y
