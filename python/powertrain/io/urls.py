"""Where files are that are not in the file system."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from os import PathLike
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit


@dataclass(frozen=True)
class Url:
    """Where a file is that is not in the file system: https://example.org/a.parquet, zip://a.txt::b.zip.

    A parameter of a data plugin that may be one has the type `Url | Path`. It is shown without a password and a query.

    Example
        >>> url = pt.data.Url("https://example.org/train.csv?key=secret")
        >>> str(url), url.stem
        ('https://example.org/train.csv', 'train')
    """

    text: str
    expected = "a URL in quotes"  # in errors about a recipe

    @classmethod
    def parse(cls, value: object) -> Url | Path | None:
        """A URL, or the path of a file:// URL; None of what is no URL."""
        if not isinstance(value, str) or "://" not in value or "\0" in value:
            return None
        scheme, _, rest = value.partition("://")
        return Path(unquote(rest)) if scheme == "file" else cls(value)

    def __str__(self) -> str:
        """Without what may be secret: a password, and a query, which may hold a signature."""
        return "::".join(map(_without_secrets, self.text.split("::")))

    @property
    def scheme(self) -> str:
        return self.text.partition("://")[0]

    @property
    def in_archive(self) -> tuple[str, str]:
        """Of zip://MEMBER::ARCHIVE the two."""
        member, _, archive = self.text.partition("://")[2].partition("::")
        return member, archive

    @property
    def _path(self) -> PurePosixPath:
        parts = urlsplit(self.text)
        return PurePosixPath(self.in_archive[0] if self.scheme == "zip" else f"{parts.netloc}/{unquote(parts.path)}")

    @property
    def name(self) -> str:
        return self._path.name

    @property
    def stem(self) -> str:
        return self._path.stem

    @property
    def suffix(self) -> str:
        return self._path.suffix


def _without_secrets(part: str) -> str:
    scheme, signs, rest = part.partition("?")[0].partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}{signs}{host.rpartition('@')[2]}{slash}{path}"


def located(given: str | PathLike[str] | Url, base: Path = Path()) -> Path | Url:
    """Return where a file is: a path seen from the folder `base`, or a URL.

    Example
        >>> pt.data.located("a.csv", Path("data")), str(pt.data.located("s3://bucket/a.csv", Path("data")))
        (PosixPath('data/a.csv'), 's3://bucket/a.csv')
    """
    found = given if isinstance(given, Url) else Url.parse(given) or Path(given)
    if isinstance(found, Path):
        return base / found
    member, archive = found.in_archive
    local = found.scheme == "zip" and archive and "://" not in archive
    return Url(f"zip://{member}::{base / archive}") if local else found


def as_text(place: str | PathLike[str] | Url) -> str:
    """The text by which `located` finds the same, with all that a URL holds."""
    return place.text if isinstance(place, Url) else str(place)


def urls_in(params: Any) -> list[Url]:
    """The URLs among the parameters of a plugin."""
    values = vars(params).values() if dataclasses.is_dataclass(params) else ()
    return [value for value in values if isinstance(value, Url)]
