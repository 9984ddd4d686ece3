"""Answers of a server are those of the run: by /predict and by the Open Inference Protocol."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from serve_client import JSON, ask

import powertrain as pt
from powertrain_serve import running
from powertrain_serve.tensors import KNOWN, Tensor, read, to_bytes, to_json


@pytest.fixture(scope="module")
def run(digits: Path) -> Any:
    return pt.load(digits)


def npy(array: Any) -> bytes:
    written = io.BytesIO()
    np.save(written, array)
    return written.getvalue()


def test_predictions_are_those_of_the_run(served: str, run: Any, images: Any) -> None:
    said = ask(served, "/predict", {"examples": images[:5].tolist()}).json
    shares = run.predict(images[:5]).probabilities.round(6)
    assert said["model"] == "digits" and said["version"] == "1" and len(said["predictions"]) == 5
    for one, row in zip(said["predictions"], shares, strict=True):
        assert list(one["probabilities"].values()) == row.tolist() and one["probability"] == row.max()
        assert one["label"] == str(row.argmax()) and one["probabilities"][one["label"]] == one["probability"]


def test_npy_goes_in_and_out_to_the_bit(served: str, run: Any, images: Any) -> None:
    headers = {"Content-Type": "application/x-npy", "Accept": "application/x-npy"}
    said = ask(served, "/predict", npy(images[:3]), headers)
    assert said.status == 200 and said.headers["content-type"] == "application/x-npy"
    assert np.load(io.BytesIO(said.body)).tobytes() == run.predict(images[:3]).outputs.tobytes()


def test_one_example_alone_is_a_batch_of_one(served: str, images: Any) -> None:
    alone = ask(served, "/predict", npy(images[0]), {"Content-Type": "application/octet-stream"}).json
    assert alone == ask(served, "/predict", {"examples": images[:1].tolist()}).json


def test_tensors_in_json(served: str, run: Any, images: Any) -> None:
    entry = {"name": "x", "shape": [2, 8, 8], "datatype": "FP32", "data": images[:2].ravel().tolist()}
    said = ask(served, "/v2/models/digits/infer", {"id": "mine", "inputs": [entry]}).json
    assert (said["model_name"], said["model_version"], said["id"]) == ("digits", "1", "mine")
    by_name = {one["name"]: one for one in said["outputs"]}
    assert by_name["output"]["shape"] == [2, 10] and by_name["output"]["datatype"] == "FP32"
    assert np.array_equal(np.float32(by_name["output"]["data"]).reshape(2, 10), run.predict(images[:2]).outputs)
    assert by_name["label"] == {
        "name": "label", "datatype": "BYTES", "shape": [2],
        "data": run.predict(images[:2]).labels.astype(str).tolist(),
    }  # fmt: skip


def test_tensors_behind_the_json(served: str, run: Any, images: Any) -> None:
    content = images[:4].astype("<f4").tobytes()
    head = json.dumps({
        "inputs": [{"name": "x", "shape": [4, 8, 8], "datatype": "FP32",
                    "parameters": {"binary_data_size": len(content)}}],
        "outputs": [{"name": "output", "parameters": {"binary_data": True}}, {"name": "label"}],
    }).encode()  # fmt: skip
    headers = {"Content-Type": "application/octet-stream", "Inference-Header-Content-Length": str(len(head))}
    said = ask(served, "/v2/models/digits/versions/1/infer", head + content, headers)
    assert said.status == 200
    size = int(said.headers["inference-header-content-length"])
    output, label = json.loads(said.body[:size])["outputs"]
    assert output["parameters"] == {"binary_data_size": 160} and "data" not in output
    assert said.body[size:] == run.predict(images[:4]).outputs.astype("<f4").tobytes()
    assert label["data"] == run.predict(images[:4]).labels.astype(str).tolist()


def test_metadata_and_health(served: str) -> None:
    assert ask(served, "/v2/health/live").json == {"live": True}
    assert ask(served, "/v2/health/ready").json == {"ready": True}
    assert ask(served, "/v2").json["name"] == "powertrain"
    about = ask(served, "/v2/models/digits").json
    assert about["inputs"] == [{"name": "x", "datatype": "FP32", "shape": [-1, 8, 8]}]
    assert about["outputs"][0] == {"name": "output", "datatype": "FP32", "shape": [-1, 10]}
    assert about["versions"] == ["1"]
    assert ask(served, "/v2/models/digits/versions/1/ready").json == {"name": "digits", "ready": True}
    index = ask(served, "/v2/repository/index", {}).json
    assert index == [{"name": "digits", "version": "1", "state": "READY", "reason": ""}]


def test_rows_of_a_table(customers: Path, tmp_path: Path) -> None:
    run = pt.load(customers)
    rows = [{"age": 31, "city": "Bonn", "since": "2024-01-07"}, {"age": None, "city": "Ulm", "since": "2024-01-20"}]
    asked = "age,city,since\n31,Bonn,2024-01-07\n,Ulm,2024-01-20\n"
    (tmp_path / "asked.csv").write_text(asked)
    with running({"customers": customers}) as address:
        said = ask(address, "/predict", {"examples": rows}).json["predictions"]
        assert said == ask(address, "/predict", asked.encode(), {"Content-Type": "text/csv"}).json["predictions"]
        inputs = [
            {"name": "age", "datatype": "FP64", "shape": [1], "data": [31]},
            {"name": "city", "datatype": "BYTES", "shape": [1], "data": ["Bonn"]},
            {"name": "since", "datatype": "BYTES", "shape": [1], "data": ["2024-01-07"]},
        ]
        assert {one["name"]: one["datatype"] for one in ask(address, "/v2/models/customers").json["inputs"]} == {
            "age": "FP64", "city": "BYTES", "since": "BYTES",
        }  # fmt: skip
        by_name = {
            one["name"]: one for one in ask(address, "/v2/models/customers/infer", {"inputs": inputs}).json["outputs"]
        }
        assert by_name["label"]["data"] == [said[0]["label"]]
        wrong = ask(address, "/predict", {"examples": [{"age": "old", "city": "Bonn", "since": None}]})
        assert wrong.status == 400 and wrong.json["error"] == (
            "age is 'old' in row 0; expected a finite number, or null for a gap; correct the value"
        )
        lacking = ask(address, "/predict", {"examples": [{"age": 3}]})
        assert lacking.status == 400 and "row 0 has no city" in lacking.json["error"]
    assert [one["label"] for one in said] == run.predict(tmp_path / "asked.csv").labels.astype(str).tolist()


def test_pictures(tmp_path: Path) -> None:
    image_module = pytest.importorskip("PIL.Image", reason="Pillow is not installed")
    pytest.importorskip("powertrain_vision", reason="image-folder is powertrain-vision's")
    noise = np.random.default_rng(0)
    for label, level in (("dark", 40), ("light", 200)):
        (tmp_path / "pictures" / label).mkdir(parents=True)
        for number in range(16):
            pixels = noise.integers(level - 30, level + 30, (12, 12, 3)).astype("uint8")
            image_module.fromarray(pixels).save(tmp_path / "pictures" / label / f"{number}.png")
    recipe = {
        "data": {"use": "image-folder", "path": str(tmp_path / "pictures"), "height": 8, "width": 8},
        "features": [{"use": "scale", "by": 1 / 255}, "flatten"], "model": {"use": "linear"},
        "optimizer": {"use": "sgd", "lr": 0.1},
        "run": {"until": "1 epochs", "batch_size": 8},
    }  # fmt: skip
    pt.fit(recipe, folder=tmp_path / "run", verbose=False)
    picture = tmp_path / "pictures" / "light" / "3.png"
    with running({"light": tmp_path / "run"}) as address:
        said = ask(address, "/predict", picture.read_bytes(), {"Content-Type": "image/png"})
        assert said.status == 200
        assert said.json["predictions"][0]["label"] == str(pt.load(tmp_path / "run").predict(picture).labels[0])
        damaged = ask(address, "/predict", picture.read_bytes()[:60], {"Content-Type": "image/png"})
        assert (
            damaged.status == 400 and str(tmp_path) not in damaged.json["error"] and "/tmp" not in damaged.json["error"]
        )


def test_a_language_model_continues_a_text(book: Path) -> None:
    with running({"book": book}) as address:
        said = ask(address, "/predict", b"The engine", {"Content-Type": "text/plain"}).json
        assert said["predictions"] == [{"text": pt.load(book).generate("The engine")}]
        assert said == ask(address, "/predict", {"examples": ["The engine"]}).json
        assert ask(address, "/predict", {"examples": [[1, 2]]}).status == 400


def test_a_policy_answers_observations_with_actions(player: Path) -> None:
    seen = np.random.default_rng(1).normal(size=(3, 4)).astype("float32")
    with running({"player": player}) as address:
        said = ask(address, "/predict", {"examples": seen.tolist()}).json["predictions"]
        entry = {"name": "x", "shape": [3, 4], "datatype": "FP32", "data": seen.ravel().tolist()}
        tensors = ask(address, "/v2/models/player/infer", {"inputs": [entry]}).json["outputs"]
        assert ask(address, "/monitor/player").status == 404  # a policy has no profile
    wanted = pt.load(player).predict(seen)
    assert [{"row": row, **one} for row, one in enumerate(said)] == list(wanted)
    assert {one["action"] for one in said} <= {0, 1}
    assert [one["name"] for one in tensors] == ["output"]
    assert np.array_equal(np.float32(tensors[0]["data"]).reshape(3, 2), wanted.outputs)


@pytest.mark.parametrize("datatype", KNOWN)
def test_tensors_come_back_as_they_were(datatype: str) -> None:
    texts = ["", "Köln", "a" * 300]
    values: Any = np.array(texts, dtype=object) if datatype == "BYTES" else np.array([0, 1, 1])
    data = texts if datatype == "BYTES" else [False, True, True] if datatype == "BOOL" else [0, 1, 1]
    given, left = read({"name": "a", "datatype": datatype, "shape": [3, 1], "data": data}, memoryview(b""))
    assert given.values.shape == (3, 1) and not len(left)
    assert to_json(given)["data"] == data
    entry, content = to_bytes(Tensor("a", datatype, given.values))
    again, left = read(entry, memoryview(content + b"more"))
    assert bytes(left) == b"more" and again.values.dtype == given.values.dtype
    assert again.values.ravel().tolist() == given.values.ravel().tolist() and values.shape == (3,)


def test_the_description_is_for_programs_and_people(served: str) -> None:
    found = ask(served, "/openapi.json").json
    (name,) = found["paths"]["/v2/models/{name}/infer"]["parameters"]
    assert name["schema"] == {"type": "string", "enum": ["digits"]}
    page = ask(served, "/docs").body.decode()
    assert (
        "/v2/models/{name}/infer" in page
        and "<script" not in page
        and "http" not in page.partition("<h2>")[0].replace("HTTP", "")
    )


def test_an_answer_says_who_answered(served: str, images: Any) -> None:
    said = ask(served, "/predict", {"examples": images[:1].tolist()}, {**JSON, "X-Request-Id": "abc.1"})
    assert said.headers["x-request-id"] == "abc.1" and said.headers["x-content-type-options"] == "nosniff"
    assert ask(served, "/v2", headers={"X-Request-Id": "a b\tc"}).headers["x-request-id"] != "a b\tc"
