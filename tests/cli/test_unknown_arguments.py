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


REFUSED = [
    ("train digits --workers x", "[powertrain train --workers] received x; expected a whole number > 0"),
    ("train digits --workers", "[powertrain train --workers] received none; expected one argument"),
    ("serve r --port abc", "[powertrain serve --port] received abc; expected a whole number"),
    ("serve r --max-w 3", "[powertrain serve] received --max-w 3; expected its own arguments"),
    ("compare a b --confidence much", "[powertrain compare --confidence] received much; expected a number"),
    ("predict", "[powertrain predict] received no DIR, FILE|FOLDER|-; expected them"),
    ("retrain run", "[powertrain retrain] received no --with; expected it"),
    ("trian digits", "[powertrain] received trian; expected one of train, plan, tune, "),
    (
        "plugins shwo",
        "[powertrain plugins] received shwo; expected one of list, show, check, doctor; did you mean show?",
    ),
    ("bench --threads x", "[powertrain bench --threads] received x; expected a whole number"),
    ("train digits --json=1", "[powertrain train --json] received 1; expected no value; write --json alone"),
]


@pytest.mark.parametrize(("line", "said"), REFUSED, ids=[line for line, _ in REFUSED])
def test_what_an_option_refuses_is_an_error_of_ours(line: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        raise SystemExit(main(line.split()))
    text = capsys.readouterr().err
    assert caught.value.code == 2 and text.startswith(said) and text.count("\n") == 1


@pytest.mark.parametrize(("line", "said"), UNKNOWN, ids=[line for line, _ in UNKNOWN])
def test_an_unknown_argument_is_answered(line: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(line.split()) == 2
    assert capsys.readouterr().err == said + "\n"
