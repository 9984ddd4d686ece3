"""The space of a search: what ranges mean, and that every value is held to the recipe before anything starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from powertrain.recipe import RecipeError, load_recipe
from powertrain.tuning.space import Choices, Numbers, TuneError, read_space, space_of


def of(**given: object) -> dict[str, Numbers | Choices]:
    return space_of({key.replace("__", "."): value for key, value in given.items()}, load)


def load(more: list[str]) -> object:
    return load_recipe("digits", more)


def test_ranges_and_choices_are_read() -> None:
    found = of(
        optimizer__lr="1e-4..1e-1 log",
        optimizer__weight_decay="0..1",
        model__channels__0="8..64 step 8",
        model__kernel="3|5",
        optimizer__use="adamw|sgd",
        run__until='5 epochs|"10 epochs"',
        model__channels=[[8, 16], [16, 32]],
    )
    assert found["optimizer.lr"] == Numbers(1e-4, 1e-1, log=True)
    assert found["optimizer.weight_decay"] == Numbers(0.0, 1.0)  # the recipe takes numbers there that are not whole
    assert found["model.channels.0"] == Numbers(8, 64, step=8, whole=True)
    assert found["model.kernel"] == Choices(("3", "5"))
    assert found["optimizer.use"] == Choices(("adamw", "sgd"))
    assert found["run.until"] == Choices(("5 epochs", '"10 epochs"'))
    assert found["model.channels"] == Choices(("[8, 16]", "[16, 32]"))
    assert [str(one) for one in found.values()][:3] == ["0.0001..0.1 log", "0.0..1.0", "8..64 step 8"]


def test_a_choice_may_hold_the_sign_between_choices() -> None:
    from powertrain.tuning.space import _parts

    assert _parts('"a|b"|[1, "|"]|{ x = 1 }') == ['"a|b"', '[1, "|"]', "{ x = 1 }"]


MISTAKES = [
    ("optimizer.lr", "-1..1", "[space optimizer.lr] received -1; expected a number > 0; 1e-3 is usual for adamw"),
    ("model.chanels", "1..4", "[space model.chanels] no such parameter of cnn; expected "),
    ("model.kernel", "1.0..3.0", "[space model.kernel] received 1.0; expected a whole number >= 1"),
    ("optimizer.use", "adamw|sdg", "did you mean sgd?"),
    ("optimizer.lr", "1e-1..1e-4", "expected two numbers of which the first is smaller"),
    ("optimizer.lr", "0..1e-1 log", "expected numbers above 0 and no step beside log"),
    ("optimizer.lr", "1e-4..1e999", "expected two numbers of which the first is smaller"),
    ("model.kernel", "1..9 step 3", "expected a range of whole steps"),
    ("model.kernel", "1..9 step 0", "expected a range of whole steps"),
    ("model.kernel", "3", "expected a range or 2 to 100 choices that differ"),
    ("model.kernel", "3|3", "expected a range or 2 to 100 choices that differ"),
    ("model.kernel", "3||5", "expected a range or 2 to 100 choices that differ"),
    ("model.kernel", [], "expected a range or 2 to 100 choices that differ"),
    ("model.kernel", list(range(101)), "expected a range or 2 to 100 choices that differ"),
    ("model.kernel", 3, "received 3; expected a range or choices"),
    ("model.kernel", "x" * 5000, "expected a range or choices"),
    ("model.kernel", [object()], "expected a range or choices"),
    ("data.split.valid", "0.1..0.2", "[space data.split.valid] it changes what is measured"),
    ("evaluate.most", "10..20", "it changes what is measured"),
    ("expect.seconds", "1..2", "it changes what is measured"),
    ("run.stop.watch", "valid.loss|valid.accuracy", "it changes what is measured"),
    ("nonsense", "1..2", "no such section"),
    ("run..batch", "1..2", "expected KEY=VALUE"),
    ("__import__('os')", "1..2", "expected KEY=VALUE"),
    ("model." + "a." * 40 + "b", "1..2", "expected KEY=VALUE"),
]


@pytest.mark.parametrize(("key", "value", "text"), MISTAKES)
def test_a_mistake_is_said_before_anything_starts(key: str, value: object, text: str) -> None:
    with pytest.raises(TuneError) as error:
        space_of({key: value}, load)
    assert text in str(error.value) and str(error.value).startswith("[space ")


def test_all_mistakes_come_at_once_and_once_each() -> None:
    with pytest.raises(TuneError) as error:
        of(optimizer__lr="-2..-1", model__chanels="1..2", model__dropout="0..1")
    lines = str(error.value).splitlines()
    assert [line.partition("]")[0] for line in lines] == [
        "[space optimizer.lr", "[space optimizer.lr", "[space model.chanels", "[space model.dropout",
    ]  # fmt: skip


def test_too_few_and_too_many_settings() -> None:
    for given in ({}, {f"model.a{at}": "1..2" for at in range(51)}):
        with pytest.raises(TuneError, match=rf"^\[space\] received {len(given)} settings; expected 1 to 50"):
            space_of(given, load)


def test_a_file_and_words_of_the_command_are_one_space(tmp_path: Path) -> None:
    file = tmp_path / "space.toml"
    file.write_text('optimizer.lr = "1e-4..1e-1 log"\n[model]\nkernel = [3, 5]\n"channels.0" = "8..16"\n')
    assert read_space([str(file), " run.batch_size =16..64"]) == {
        "optimizer.lr": "1e-4..1e-1 log", "model.kernel": [3, 5], "model.channels.0": "8..16",
        "run.batch_size": "16..64",
    }  # fmt: skip
    with pytest.raises(TuneError, match=r"^\[space optimizer.lr\] received it twice"):
        read_space([str(file), "optimizer.lr=1..2"])
    with pytest.raises(TuneError, match=r"^\[--space lr\] expected KEY=RANGE or a .toml file"):
        read_space(["lr"])


def test_a_hostile_file_is_refused_as_a_recipe_is(tmp_path: Path) -> None:
    file = tmp_path / "space.toml"
    for content in (b"\xff\xfe", b"a = [" * 2000, b"a." * 5000 + b"b = 1", b"x" * (2 << 20)):
        file.write_bytes(content)
        with pytest.raises(RecipeError, match=r"^\[space.toml"):
            read_space([str(file)])
