"""The registry of models: versions, aliases, history, kills, two processes at once, files of strangers."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain.io.files import Files
from powertrain.models import AliasMovedError, Registry, RegistryError
from powertrain.models.folders import copy_run, hash_folder
from running import SMALL, run


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    (folder / "small.toml").write_text(SMALL)
    run(["train", "small.toml", "--run", "a", "--set", "run.until=1 epoch"], folder)
    return folder / "a"


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return Registry(tmp_path / "models")


def test_versions_aliases_and_history(registry: Registry, trained: Path) -> None:
    first = registry.register("digits", trained, alias="champion", why="first")
    second = registry.register("digits", trained, alias="challenger")
    assert (first.number, second.number) == (1, 2) and first.sha256 == second.sha256
    assert first.values.keys() == {"test.loss", "test.accuracy"}
    assert registry.promote("digits", why="better").number == 2
    assert registry.version("digits").aliases == ("challenger", "champion")
    assert registry.rollback("digits", why="worse after all").number == 1
    with pytest.raises(RegistryError) as caught:
        registry.rollback("digits")
    assert str(caught.value) == (
        "[models digits] version 1 was the first champion; expected one before it; promote another version instead"
    )
    told = [
        (line["event"], line["version"], line.get("before"), line.get("why")) for line in registry.history("digits")
    ]
    assert told == [
        ("register", 1, None, None), ("alias", 1, None, "first"), ("register", 2, None, None), ("alias", 2, None, ""),
        ("alias", 2, 1, "better"), ("alias", 1, 2, "worse after all"),
    ]  # fmt: skip
    registry.promote("digits", 2)
    assert registry.promote("digits", 2).number == 2  # again: nothing happens
    assert len(registry.history()) == 7
    assert Registry(registry.folder).names() == ["digits"]


def test_nobody_takes_the_place_of_another_version_than_the_one_compared(registry: Registry, trained: Path) -> None:
    first, second, third = (registry.register("digits", trained) for _ in range(3))
    assert registry.promote("digits", first.number, over=0).aliases == ("champion",)
    registry.promote("digits", second.number, over=first.number)
    with pytest.raises(AliasMovedError) as caught:
        registry.promote("digits", third.number, over=first.number)
    assert str(caught.value) == (
        "[models digits] champion is version 2 by now; expected version 1, which this one is to replace; compare it "
        "with the new one first"
    )
    with pytest.raises(AliasMovedError, match=r"champion is version 2 by now; expected version none"):
        registry.promote("digits", third.number, over=0)
    assert registry.version("digits").number == 2


def test_a_copy_predicts_and_needs_the_run_no_more(
    registry: Registry, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "run"
    shutil.copytree(trained, own)
    x = np.arange(64.0).reshape(1, 8, 8) % 16
    wanted = pt.load(own).predict(x)
    registry.register("digits", own, alias="champion")
    shutil.rmtree(own)
    monkeypatch.setenv("POWERTRAIN_MODELS", str(registry.folder))
    for uri in ("models:/digits", "models:/digits@champion", "models:/digits/1"):
        assert np.array_equal(pt.load(uri).predict(x), wanted)


@pytest.mark.parametrize(
    ("uri", "text"),
    [
        ("models:/none",
         "[models none] there is no such model in {0}; expected one of digits; powertrain models register adds one"),
        ("models:/digits@best",
         "[models digits] it has no best; expected one of 1, champion; powertrain models list shows them"),
        ("models:/digits/2",
         "[models digits] it has no 2; expected one of 1, champion; powertrain models list shows them"),
        ("models:/../digits", "[models] received models:/../digits; expected models:/NAME, models:/NAME@ALIAS or "
         "models:/NAME/VERSION; powertrain models list shows them"),
        ("models:/digits/../1", "[models] received models:/digits/../1; expected models:/NAME, models:/NAME@ALIAS or "
         "models:/NAME/VERSION; powertrain models list shows them"),
    ],
)  # fmt: skip
def test_a_wrong_address_is_said(
    registry: Registry, trained: Path, monkeypatch: pytest.MonkeyPatch, uri: str, text: str
) -> None:
    registry.register("digits", trained, alias="champion")
    monkeypatch.setenv("POWERTRAIN_MODELS", str(registry.folder))
    with pytest.raises(RegistryError) as caught:
        pt.load(uri)
    assert str(caught.value) == text.format(registry.folder)


def test_what_is_no_run_is_refused(registry: Registry, trained: Path, tmp_path: Path) -> None:
    with pytest.raises(RegistryError, match="is not a run; expected the folder of one"):
        registry.register("a", tmp_path)
    unfinished = tmp_path / "unfinished"
    shutil.copytree(trained, unfinished)
    (unfinished / "results.json").unlink()
    with pytest.raises(RegistryError, match="has no results yet; expected a finished run; train it to its end first"):
        registry.register("a", unfinished)
    for name in ("", "..", "a/b", "12", "a" * 65, "a b"):
        with pytest.raises(RegistryError, match="expected letters, digits"):
            registry.register(name, trained)
    assert registry.names() == [] and not list(tmp_path.glob("models/*/*"))


def test_changed_files_are_not_promoted(registry: Registry, trained: Path) -> None:
    made = registry.register("digits", trained, alias="challenger")
    file = registry.path("digits", 1) / "results.json"
    file.write_text(file.read_text() + " ")
    with pytest.raises(RegistryError) as caught:
        registry.promote("digits")
    assert str(caught.value) == (
        f"[models digits] the files of version 1 are not those that were registered; expected SHA-256 "
        f"{made.sha256[:12]}…; restore {registry.folder / 'digits' / '1'}, or register the run again"
    )


def test_pages_about_a_model_are_no_part_of_it(registry: Registry, trained: Path) -> None:
    """Who looks at the champion must still be able to go back to it."""
    registry.register("digits", trained, alias="champion")
    for page in ("report.html", "monitor.html"):
        (registry.path("digits") / page).write_text("written again")
    registry.register("digits", trained)
    registry.promote("digits", 2)
    assert registry.rollback("digits").number == 1


@pytest.mark.parametrize("name", ["ledger.jsonl", "Ledger.JSONL"])
def test_a_model_does_not_take_the_name_of_the_ledger(registry: Registry, trained: Path, name: str) -> None:
    with pytest.raises(RegistryError, match=r"not digits alone and not ledger\.jsonl"):
        registry.register(name, trained)
    assert registry.names() == [] and not registry.folder.exists()


def test_a_process_that_was_forked_does_not_keep_the_lock(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    copies: list[int] = []
    locking = Files.locking

    def forked(files: Files, name: str) -> int:
        opened = locking(files, name)
        copies.append(os.dup(opened))  # what a child process has
        return opened

    monkeypatch.setattr(Files, "locking", forked)
    monkeypatch.setattr("powertrain.models.registry.WAIT", 0.2)
    try:
        for _ in range(2):
            with registry._locked():
                pass
    finally:
        for copy in copies:
            os.close(copy)


def test_a_kill_leaves_a_registry_that_works(registry: Registry, trained: Path) -> None:
    registry.register("digits", trained, alias="champion")
    ledger = registry.folder / "ledger.jsonl"
    whole = ledger.read_bytes()
    ledger.write_bytes(whole + b'{"event": "alias", "name": "dig')  # in the middle of a line
    shutil.copytree(registry.folder / "digits" / "1", registry.folder / "digits" / "2")  # before its line was written
    (registry.folder / "digits" / ".3.part").mkdir()  # in the middle of a copy
    assert registry.version("digits").number == 1
    assert registry.register("digits", trained).number == 3
    assert [version.number for version in registry.versions("digits")] == [1, 3]
    assert ledger.read_bytes().startswith(whole)


def test_lines_of_strangers_are_passed_over(registry: Registry, trained: Path) -> None:
    registry.register("digits", trained, alias="champion")
    with (registry.folder / "ledger.jsonl").open("a") as file:
        for line in (
            {"event": "register", "name": "../../x", "version": 1, "time": 0, "run": "", "sha256": "", "values": {}},
            {"event": "alias", "name": "digits", "version": 9, "time": 0, "alias": "champion", "before": 1, "why": ""},
            {"event": "alias", "name": "digits", "version": -1, "time": 0},
            [],
        ):
            file.write(json.dumps(line) + "\n")
        file.write("[" * 5000 + "\n")
    assert registry.names() == ["digits"] and registry.version("digits").number == 1


def test_links_are_neither_copied_nor_followed(tmp_path: Path) -> None:
    source, secret = tmp_path / "run", tmp_path / "secret"
    (source / "below").mkdir(parents=True)
    secret.write_text("secret")
    (source / "a").write_text("a")
    (source / "below" / "b").write_text("b")
    (source / "link").symlink_to(secret)
    (source / "folder").symlink_to(tmp_path)
    os.mkfifo(source / "pipe")
    found = copy_run(source, tmp_path / "copy")
    names = sorted(path.relative_to(tmp_path / "copy").as_posix() for path in (tmp_path / "copy").rglob("*"))
    assert names == ["a", "below", "below/b"] and found == hash_folder(tmp_path / "copy")


def many(folder: str, run: str, name: str, count: int, queue: Any) -> None:
    registry = Registry(folder)
    made = [registry.register(name, run, alias=f"of-{os.getpid()}").number for _ in range(count)]
    for number in made:
        registry.promote(name, number, why=str(number))
    queue.put(made)


def test_two_processes_at_once(registry: Registry, trained: Path) -> None:
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    given = (str(registry.folder), str(trained), "digits", 8, queue)
    processes = [context.Process(target=many, args=given) for _ in range(2)]
    for process in processes:
        process.start()
    made = [queue.get(timeout=120) for _ in processes]
    for process in processes:
        process.join(60)
        assert process.exitcode == 0
    assert sorted(number for one in made for number in one) == list(range(1, 17))
    versions = registry.versions("digits")
    assert len({version.sha256 for version in versions}) == 1
    # Each promotion says who was champion before, and that is who was.
    champion = None
    for line in registry.history("digits"):
        if line["event"] == "alias" and line["alias"] == "champion":
            assert line["before"] == champion
            champion = line["version"]
    assert registry.version("digits").number == champion


def test_the_command(registry: Registry, trained: Path, tmp_path: Path) -> None:
    given = {"POWERTRAIN_MODELS": str(registry.folder)}

    def said(*words: str, expect: int = 0) -> str:
        return run(["models", *words], tmp_path, expect=expect, **given).stdout

    assert said() == f"no models in {registry.folder}; begin with: powertrain models register NAME RUN\n"
    assert said("register", "digits", str(trained), "--alias", "champion").split()[:3] == ["digits", "1", "champion"]
    made = json.loads(said("register", "digits", str(trained), "--alias", "challenger", "--json"))
    assert made["uri"] == "models:/digits/2" and made["aliases"] == ["challenger"]
    said("promote", "digits", "--why", "a test")
    assert [one["aliases"] for one in json.loads(said("list", "--json"))] == [[], ["challenger", "champion"]]
    said("rollback", "digits")
    assert said("history", "digits").splitlines()[-1].endswith("digits/1  is champion")
    done = run(["models", "promote", "digits", "7"], tmp_path, expect=2, **given)
    assert "[models digits] it has no 7; expected one of 1, 2, challenger, champion" in done.stderr
    predicted = run(["evaluate", "models:/digits@champion"], tmp_path, **given)
    assert "accuracy" in predicted.stdout
