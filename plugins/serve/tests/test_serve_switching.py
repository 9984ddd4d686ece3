"""Versions, aliases, shares of the traffic, and switches under load."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from serve_client import ask

import powertrain as pt
from powertrain_serve import Limits, ServeError, Settings
from powertrain_serve.errors import RefusedError
from powertrain_serve.loading import Loader
from powertrain_serve.model import Model
from powertrain_serve.running import serving
from powertrain_serve.service import Service
from powertrain_serve.table import Share, Versions
from powertrain_serve.wanted import of_arguments, of_file


def written(path: Path, versions: dict[str, Path], live: str, more: str = "") -> Path:
    lines = "\n".join(f"{version} = {json.dumps(str(folder))}" for version, folder in versions.items())
    path.write_text(f"[models.digits]\nlive = {json.dumps(live)}\n{more}\n[models.digits.versions]\n{lines}\n")
    return path


def service_of(file: Path, **limits: Any) -> Service:
    settings = Settings(port=0, limits=Limits(batch=16, **limits))
    return Service(settings, Loader(settings, lambda: of_file(file)))


def test_shares_are_exact_and_evenly_spaced() -> None:
    for percent in (0, 1, 5, 33, 50, 100):
        share = Share("2", percent)
        turns = [share.turn() for _ in range(1000)]
        assert sum(turns) == percent * 10
    half = Share("2", 50)
    assert [half.turn() for _ in range(4)] == [False, True, False, True]


def test_versions_and_aliases_are_chosen() -> None:
    models: Any = {"1": object(), "2": object()}
    found = Versions(models, "1", {"next": "2"}, canary=Share("2", 50))
    assert found.choose("2") is found.choose("next") is models["2"] and found.choose("1") is models["1"]
    assert [found.choose(None) is models["2"] for _ in range(4)] == [False, True, False, True]
    with pytest.raises(RefusedError, match="version '3'; expected one of 1, 2, next"):
        found.choose("3")


WRONG = {
    "": "no models",
    "a = 1": "a; expected tables",
    "[models.a]": "no versions",
    '[models."a/b"]': "expected up to 80 letters",
    "[models.a]\nversions = { 1 = 2 }": "expected a table of texts",
    '[models.a]\nversions = { 1 = "r" }\nlive = "2"': "models.a.live] '2'; expected one of 1",
    '[models.a]\nversions = { 1 = "r", 2 = "s" }': "models.a.live] None",
    '[models.a]\nversions = { 1 = "r" }\naliases = { 1 = "1" }': "1 is a version too",
    '[models.a]\nversions = { 1 = "r" }\naliases = { b = "3" }': "aliases.b] '3'",
    '[models.a]\nversions = { 1 = "r" }\ncanary = { version = "1" }': "expected both keys",
    '[models.a]\nversions = { 1 = "r" }\ncanary = { version = "1", percent = 101 }': "expected a number from 0 to 100",
    '[models.a]\nversions = { 1 = "r" }\nshadow = { version = "1", percent = nan }': "expected a number from 0 to 100",
    '[models.a]\nversions = { 1 = "r" }\nextra = 1': "extra; expected versions",
    "[models": "expected a TOML file",
}


@pytest.mark.parametrize("text", WRONG)
def test_a_wrong_file_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "serve.toml").write_text(text)
    with pytest.raises(ServeError) as error:
        of_file(tmp_path / "serve.toml")
    assert WRONG[text] in str(error.value) and str(error.value).startswith(f"[serve {tmp_path / 'serve.toml'}")


def test_runs_of_the_command_line(tmp_path: Path) -> None:
    found = of_arguments([str(tmp_path / "digits-1"), f"cats={tmp_path / 'b'}"])
    assert {name: one.versions for name, one in found.items()} == {
        "digits-1": {"1": tmp_path / "digits-1"}, "cats": {"1": tmp_path / "b"},
    }  # fmt: skip
    with pytest.raises(ServeError, match="two runs are called cats"):
        of_arguments(["cats=a", "cats=b"])
    with pytest.raises(ServeError, match="expected up to 80 letters"):
        of_arguments(["a b=c"])


def test_what_is_loaded_stays_and_a_failure_changes_nothing(digits: Path, other_digits: Path, tmp_path: Path) -> None:
    file = written(tmp_path / "serve.toml", {"1": digits}, "1")
    loader = Loader(Settings(limits=Limits(batch=2)), lambda: of_file(file))
    assert loader.reload() == ["digits 1"]
    first = loader.table
    written(file, {"1": digits, "2": other_digits}, "2")
    assert loader.reload() == ["digits 2"]
    assert loader.table is not first and first.names["digits"].live == "1"
    assert loader.table.names["digits"].models["1"] is first.names["digits"].models["1"]
    second = loader.table
    written(file, {"1": digits, "3": tmp_path / "nothing"}, "3")
    with pytest.raises(ServeError, match="no checkpoints"):
        loader.reload()
    assert loader.table is second
    written(file, {"2": other_digits}, "2")
    assert loader.reload() == [] and list(loader.table.names["digits"].models) == ["2"]


def outputs_of(folder: Path, images: Any) -> Any:
    return pt.load(folder).predict(images).outputs


def under_load(
    address: str, images: Any, clients: int, meanwhile: Callable[[], None], path: str = "/v2/models/digits/infer"
) -> list[tuple[str, int, list[float]]]:
    """Version, image and outputs of each answer that clients got while something happened."""
    said: list[tuple[str, int, list[float]]] = []
    wrong: list[Any] = []
    ended = threading.Event()

    def client(number: int) -> None:
        at = number
        while not ended.is_set():
            at = (at + 1) % len(images)
            entry = {"name": "x", "shape": [1, 8, 8], "datatype": "FP32", "data": images[at].ravel().tolist()}
            found = ask(address, path, {"inputs": [entry], "outputs": [{"name": "output"}]})
            if found.status != 200:
                wrong.append(found)
                continue
            answer = found.json
            said.append((answer["model_version"], at, answer["outputs"][0]["data"]))

    threads = [threading.Thread(target=client, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    meanwhile()
    ended.set()
    for thread in threads:
        thread.join()
    assert not wrong, wrong[:3]
    return said


def test_a_switch_under_load_mixes_nothing(digits: Path, other_digits: Path, images: Any, tmp_path: Path) -> None:
    """Each answer is wholly of one version, and after the switch none is of the old one."""
    expected = {"1": outputs_of(digits, images), "2": outputs_of(other_digits, images)}
    file = written(tmp_path / "serve.toml", {"1": digits}, "1")
    with serving(service_of(file)) as address:
        switched: list[float] = []

        def switch() -> None:
            time.sleep(0.3)
            for live in ("2", "1", "2"):
                written(file, {live: {"1": digits, "2": other_digits}[live]}, live)
                assert ask(address, "/v2/repository/models/digits/load", {}).status == 200
                switched.append(time.monotonic())
                time.sleep(0.3)

        said = under_load(address, images, 6, switch)
        last = under_load(address, images, 2, lambda: time.sleep(0.2))
    assert len(said) > 30 and {version for version, _, _ in said} == {"1", "2"}
    assert last and {version for version, _, _ in last} == {"2"}
    for version, at, output in [*said, *last]:
        assert np.float32(output).tobytes() == expected[version][at].tobytes()


def test_a_canary_gets_its_share(digits: Path, other_digits: Path, images: Any, tmp_path: Path) -> None:
    more = 'canary = { version = "2", percent = 25 }\naliases = { next = "2" }'
    file = written(tmp_path / "serve.toml", {"1": digits, "2": other_digits}, "1", more)
    with serving(service_of(file)) as address:
        body = {"examples": images[:1].tolist()}
        counts = Counter(ask(address, "/predict", body).json["version"] for _ in range(40))
        assert counts == {"1": 30, "2": 10}
        assert ask(address, "/models/digits/versions/next/predict", body).json["version"] == "2"
        assert ask(address, "/models/digits/versions/1/predict", body).json["version"] == "1"


def test_a_shadow_sees_copies_and_nobody_sees_its_answers(
    digits: Path, other_digits: Path, images: Any, tmp_path: Path
) -> None:
    pytest.importorskip("prometheus_client", reason="prometheus_client is not installed")
    more = 'shadow = { version = "2", percent = 50 }'
    file = written(tmp_path / "serve.toml", {"1": digits, "2": other_digits}, "1", more)
    with serving(service_of(file)) as address:
        for image in images[:20]:
            assert ask(address, "/predict", {"examples": [image.tolist()]}).json["version"] == "1"
        differs = (outputs_of(digits, images[:20]).argmax(1) != outputs_of(other_digits, images[:20]).argmax(1))[1::2]
        wanted = {"same": float((~differs).sum()), "differs": float(differs.sum())}
        for _ in range(50):
            text = ask(address, "/metrics").body.decode()
            found = {line.partition('result="')[2].partition('"')[0]: float(line.rpartition(" ")[2])
                     for line in text.splitlines() if line.startswith("powertrain_shadow_requests_total{")}  # fmt: skip
            if sum(found.values()) == 10:
                break
            time.sleep(0.05)
    assert found == {result: count for result, count in wanted.items() if count}


def test_a_model_that_was_replaced_is_let_go(digits: Path, other_digits: Path, tmp_path: Path) -> None:
    import gc
    import weakref

    file = written(tmp_path / "serve.toml", {"1": digits}, "1")
    loader = Loader(Settings(limits=Limits(batch=2)), lambda: of_file(file))
    loader.reload()
    old: weakref.ref[Model] = weakref.ref(loader.table.names["digits"].models["1"])
    written(file, {"2": other_digits}, "2")
    loader.reload()
    gc.collect()
    assert old() is None


def test_a_name_of_the_registry_is_served_and_followed(
    digits: Path, other_digits: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POWERTRAIN_MODELS", str(tmp_path / "models"))
    registry = pt.models.Registry()
    registry.register("digits", digits, alias="champion")
    file = tmp_path / "models.toml"
    file.write_text('[models.digits.versions]\n1 = "models:/digits@champion"\n')
    for wanted in (lambda: of_arguments(["models:/digits@champion"]), lambda: of_file(file)):
        registry.promote("digits", 1)
        loader = Loader(Settings(), wanted)
        assert loader.reload() == ["digits 1"] and loader.reload() == []
        assert loader.table.versions("digits").choose(None).run.folder == registry.path("digits", 1)
        if len(registry.versions("digits")) == 1:
            registry.register("digits", other_digits)
        registry.promote("digits", 2)
        assert loader.reload() == ["digits 1"]
        assert loader.table.versions("digits").choose(None).run.folder == registry.path("digits", 2)


def test_bodies_are_read_while_models_are_loaded(digits: Path, tmp_path: Path) -> None:
    """Several who ask for a load must not take the threads that read bodies."""
    free = threading.Event()
    first = of_file(written(tmp_path / "models.toml", {"1": digits}, "1"))
    calls: list[int] = []

    def wanted() -> Any:
        calls.append(1)
        if len(calls) > 1:
            free.wait(20)
        return first

    settings = Settings(port=0)
    with serving(Service(settings, Loader(settings, wanted))) as address:
        asking = [
            threading.Thread(target=ask, args=(address, "/v2/repository/models/digits/load", {})) for _ in range(3)
        ]
        for one in asking:
            one.start()
        while len(calls) < 2:
            time.sleep(0.01)
        time.sleep(0.2)
        body = {"examples": np.zeros((80, 8, 8)).tolist()}
        assert len(json.dumps(body)) > 16 << 10  # larger ones are read by a thread
        began = time.monotonic()
        answered = ask(address, "/predict", body)
        took = time.monotonic() - began
        free.set()
        for one in asking:
            one.join()
    assert answered.status == 200 and took < 10
