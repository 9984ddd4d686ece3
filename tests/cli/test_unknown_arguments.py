"""Arguments that no verb takes, as other programs call them: the error shows what to write."""

from __future__ import annotations

import pytest

from powertrain.cli import main

UNKNOWN = [
    (
        "train digits --folder d1",
        "[powertrain train] received --folder d1; expected --run; write --run d1",
    ),
    (
        "train digits --epochs=3",
        '[powertrain train] received --epochs=3; expected --set; write --set run.until="3 epochs"',
    ),
    (
        "train digits run.batch_size=8",
        "[powertrain train] received run.batch_size=8; expected --set; write --set run.batch_size=8",
    ),
    (
        "train digits --learning_rate 0.1 --json",
        "[powertrain train] received --learning_rate 0.1; expected --set; write --set optimizer.lr=0.1",
    ),
    (
        "profile digits --batch-size 8",
        "[powertrain profile] received --batch-size 8; expected --set; write --set run.batch_size=8",
    ),
    (
        "runs --folder d1",
        "[powertrain runs] received --folder; expected its own arguments; powertrain runs --help lists them",
    ),
    (
        "train digits --frobnicate",
        "[powertrain train] received --frobnicate; expected its own arguments; powertrain train --help lists them",
    ),
    ("--verbose", "[powertrain] received --verbose; expected its own arguments; powertrain --help lists them"),
]


@pytest.mark.parametrize(("line", "said"), UNKNOWN, ids=[line for line, _ in UNKNOWN])
def test_an_unknown_argument_is_answered(line: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(line.split()) == 2
    assert capsys.readouterr().err == said + "\n"
