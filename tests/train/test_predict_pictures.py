"""Pictures for a run that was trained on arrays made of pictures: the error says to make such arrays of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import powertrain as pt
from powertrain.data import DataError


def test_a_picture_is_not_taken_for_an_array(tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")
    x = np.random.default_rng(0).random((16, 4, 4, 3), np.float32)
    model = pt.nn.Sequential(pt.nn.Flatten(), pt.nn.Linear(48, 2))
    run = pt.fit(model=model, data=(x, np.arange(16) % 2), epochs=1, report={"baseline": False}, verbose=False)
    picture = image.fromarray(np.zeros((4, 4, 3), np.uint8))
    picture.save(tmp_path / "a.png")
    fix = (
        "expected arrays, since this run was not trained on files of pictures; make of it what the data set has, by "
        "the transforms of the training: run.predict(np.stack([transform(pt.data.read_image(path))]))"
    )
    with pytest.raises(DataError) as caught:
        run.predict(str(tmp_path / "a.png"))
    assert str(caught.value) == f"[predict] the picture {tmp_path / 'a.png'}; {fix}"
    for given in (picture, [picture]):
        with pytest.raises(DataError) as caught:
            run.predict(given)
        assert str(caught.value) == f"[predict] a picture of Pillow; {fix}"
