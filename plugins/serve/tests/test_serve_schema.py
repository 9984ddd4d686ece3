"""The OpenAPI description beside the server: it tells of every path, and schemathesis makes requests of it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from serve_client import ask

from powertrain_serve import Limits, Settings, running
from powertrain_serve.app import routes_of
from powertrain_serve.loading import Loader
from powertrain_serve.openapi import description
from powertrain_serve.service import Service

CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
PAGES = {"/", "/docs", "/openapi.json"}  # which show the description


@pytest.fixture(scope="module")
def address(digits: Path, customers: Path, book: Path) -> Iterator[str]:
    """A server of arrays, of a table and of a language model."""
    limits = Limits(body=1 << 20, rows=256, tokens=64, seconds=20)
    with running({"digits": digits, "customers": customers, "book": book}, Settings(port=0, limits=limits)) as found:
        yield found


@pytest.mark.parametrize("kind", ["digits", "customers", "book"])
def test_examples_of_the_description_are_answered(kind: str, request: pytest.FixtureRequest) -> None:
    asked = []
    with running({kind: request.getfixturevalue(kind)}, Settings(port=0)) as address:
        for path, methods in ask(address, "/openapi.json").json["paths"].items():
            names = {one["name"]: one["example"] for one in methods.get("parameters", ())}
            body = methods.get("post", {}).get("requestBody", {"content": {}})["content"].get("application/json", {})
            if "example" in body:
                asked.append(path)
                said = ask(address, path.format(**names), body["example"])
                assert said.status == 200, (path, said)
    assert {"/predict", "/v2/models/{name}/versions/{version}/infer"} < set(asked)
    assert ("/v1/completions" in asked) == (kind == "book")


def test_every_path_is_described() -> None:
    settings = Settings()
    service = Service(settings, Loader(settings, dict))
    try:
        answered = {
            (route.path, method.lower())
            for route in routes_of(service)
            for method in route.methods
            if method != "HEAD" and route.path not in PAGES
        }
        paths = description(service.loader.table, token=False)["paths"]
    finally:
        service.close()
    assert {
        (path, method) for path, methods in paths.items() for method in methods if method != "parameters"
    } == answered


@pytest.mark.parametrize(
    "requests", [pytest.param(10, marks=pytest.mark.slow), pytest.param(200, marks=pytest.mark.long)]
)
def test_answers_are_as_the_description_says(requests: int, address: str, tmp_path: Path) -> None:
    """So many drawn requests of each path, beside those at the borders of what each schema allows."""
    pytest.importorskip("schemathesis", reason="schemathesis is not installed")
    command = [
        sys.executable, "-m", "schemathesis.cli", "run", f"{address}/openapi.json", "--checks", CHECKS,
        "--max-examples", str(requests), "--seed", "1", "--phases", "examples,coverage,fuzzing",
    ]  # fmt: skip
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=3600)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert ask(address, "/v2/health/ready").status == 200
