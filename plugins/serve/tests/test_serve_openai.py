"""OpenAI's API: texts whole and as a stream, by raw requests and by OpenAI's own client."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from serve_client import ask, connected

import powertrain as pt
from powertrain_serve import Limits, Settings, running

COMPLETIONS, CHAT = "/v1/completions", "/v1/chat/completions"
HELLO = [{"role": "system", "content": "Be short."}, {"role": "user", "content": "Hello"}]
SCHEMA = {
    "type": "object",
    "properties": {"pet": {"enum": ["cat", "dog"]}, "age": {"type": "integer"}, "tags": {
        "type": "array", "items": {"type": "string", "maxLength": 5}, "maxItems": 2}},
    "required": ["pet", "age"],
    "additionalProperties": False,
}  # fmt: skip
FORM = {"type": "json_schema", "json_schema": {"name": "pet", "strict": True, "schema": SCHEMA}}


@pytest.fixture(scope="module")
def address(book: Path, chatty: Path, digits: Path) -> Iterator[str]:
    limits = Limits(body=1 << 20, tokens=60_000, seconds=20)
    with running({"book": book, "chatty": chatty, "digits": digits}, Settings(port=0, limits=limits)) as found:
        yield found


def events(body: bytes) -> list[dict[str, Any]]:
    """The chunks of a stream, which must end as OpenAI's do."""
    lines = [line for line in body.decode().split("\n\n") if line]
    assert all(line.startswith("data: ") for line in lines) and lines[-1] == "data: [DONE]"
    return [json.loads(line[6:]) for line in lines[:-1]]


def complete(address: str, **body: Any) -> dict[str, Any]:
    said = ask(address, COMPLETIONS, {"model": "book", "prompt": "The engine", **body})
    assert said.status == 200, said.body
    found: dict[str, Any] = said.json
    return found


def test_a_completion_is_what_the_run_generates(address: str, book: Path) -> None:
    said = complete(address, temperature=0, max_tokens=20)
    (choice,) = said["choices"]
    assert choice["text"] == pt.load(book).generate("The engine", 20, temperature=0) and len(choice["text"]) == 20
    assert (choice["finish_reason"], choice["index"], choice["logprobs"]) == ("length", 0, None)
    assert said["usage"] == {"prompt_tokens": 10, "completion_tokens": 20, "total_tokens": 30}
    assert said["object"] == "text_completion" and said["model"] == "book" and said["id"].startswith("cmpl-")
    drawn = complete(address, temperature=1.2, top_p=0.9, seed=7, max_tokens=20)
    assert drawn["choices"][0]["text"] == pt.load(book).generate("The engine", 20, temperature=1.2, top_p=0.9, seed=7)
    assert len(complete(address)["choices"][0]["text"]) == 16  # as many as OpenAI's have


def test_without_a_seed_texts_differ(address: str) -> None:
    texts = {complete(address, temperature=2, max_tokens=40)["choices"][0]["text"] for _ in range(4)}
    assert len(texts) == 4


def test_several_texts_for_several_prompts(address: str, book: Path) -> None:
    said = complete(address, prompt=["The ", "and the wheel"], n=2, seed=3, temperature=1, max_tokens=12)
    run = pt.load(book)
    rows = [run.run.dataset.vocabulary.encode(text) for text in ("The ", "The ", "and the wheel", "and the wheel")]
    wanted = ["", "", "", ""]
    for piece in run.stream(rows, 12, temperature=1, seed=3):
        wanted[piece.row] += piece.text
    assert [(one["index"], one["text"]) for one in said["choices"]] == list(enumerate(wanted))
    assert said["usage"] == {"prompt_tokens": 4 + 13, "completion_tokens": 48, "total_tokens": 65}
    tokens = complete(address, prompt=rows[0].tolist(), temperature=0)
    assert tokens["choices"] == complete(address, prompt="The ", temperature=0)["choices"]
    assert tokens["choices"] == complete(address, prompt=[rows[0].tolist()], temperature=0)["choices"]


@pytest.mark.parametrize("n", [1, 3])
def test_a_stream_says_what_the_whole_does(address: str, n: int) -> None:
    body = {"temperature": 1.5, "seed": 5, "max_tokens": 30, "n": n}
    whole = complete(address, **body)
    said = ask(address, COMPLETIONS, {"model": "book", "prompt": "The engine", "stream": True, **body})
    assert said.headers["content-type"].startswith("text/event-stream")
    texts, finish = [""] * n, [None] * n
    for chunk in events(said.body):
        (choice,) = chunk["choices"]
        assert "usage" not in chunk and chunk["id"] == events(said.body)[0]["id"]
        texts[choice["index"]] += choice["text"]
        finish[choice["index"]] = choice["finish_reason"] or finish[choice["index"]]
    assert texts == [choice["text"] for choice in whole["choices"]] and finish == ["length"] * n
    counted = ask(address, COMPLETIONS, {"model": "book", "prompt": "The engine", "stream": True, **body,
                                         "stream_options": {"include_usage": True}})  # fmt: skip
    *chunks, last = events(counted.body)
    assert all(chunk["usage"] is None for chunk in chunks)
    assert last["usage"] == whole["usage"] and last["choices"] == []


def test_a_stop_text_ends_a_text_and_is_no_part_of_it(address: str) -> None:
    whole = complete(address, temperature=2, seed=1, max_tokens=60)["choices"][0]["text"]
    stop = whole[20:22]
    for given in (stop, [stop, "never such a text"]):
        (choice,) = complete(address, temperature=2, seed=1, max_tokens=60, stop=given)["choices"]
        assert choice["text"] == whole[: whole.index(stop)] and choice["finish_reason"] == "stop"


def test_a_chat_is_written_in_the_form_of_its_model(address: str, chatty: Path) -> None:
    import powertrain_text

    model = powertrain_text.load(chatty)
    tokens = model.chat(HELLO)
    wanted = "".join(piece.text for piece in model.stream(tokens, 40, temperature=1.0, seed=2))
    body = {"model": "chatty", "messages": HELLO, "seed": 2, "max_completion_tokens": 40}
    said = ask(address, CHAT, body).json
    (choice,) = said["choices"]
    assert choice["message"] == {"role": "assistant", "content": wanted, "refusal": None}
    assert said["object"] == "chat.completion" and said["usage"]["prompt_tokens"] == len(tokens)
    parts = [{"role": "developer", "content": [{"type": "text", "text": "Be "}, {"type": "text", "text": "short."}]},
             HELLO[1]]  # fmt: skip
    assert ask(address, CHAT, {**body, "messages": parts}).json["choices"] == said["choices"]
    chunks = events(ask(address, CHAT, {**body, "stream": True}).body)
    assert chunks[0]["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    assert "".join(chunk["choices"][0]["delta"].get("content", "") for chunk in chunks) == wanted
    assert chunks[-1]["choices"][0]["delta"] == {} and chunks[-1]["choices"][0]["finish_reason"] in ("stop", "length")
    assert {chunk["object"] for chunk in chunks} == {"chat.completion.chunk"}


def test_a_text_by_a_schema_fits_it(address: str) -> None:
    for seed in range(3):
        body = {"model": "chatty", "messages": HELLO, "seed": seed, "max_tokens": 80, "response_format": FORM}
        said = ask(address, CHAT, body).json["choices"][0]
        found = json.loads(said["message"]["content"])
        assert found["pet"] in ("cat", "dog") and type(found["age"]) is int and said["finish_reason"] == "stop"
    short = ask(address, CHAT, {**body, "max_tokens": 5})
    assert short.status == 400 and "raise max_tokens" in short.json["error"]["message"]


def test_models_are_listed(address: str) -> None:
    said = ask(address, "/v1/models").json
    assert said["object"] == "list" and [one["id"] for one in said["data"]] == ["book", "chatty"]
    assert ask(address, "/v1/models/book").json == said["data"][0]
    other = ask(address, "/v1/models/digits")
    assert other.status == 404 and "expected a language model" in other.json["error"]["message"]
    assert complete(address, model="book:1", temperature=0)["model"] == "book"


ASKED = {"model": "book", "prompt": "The"}
TALK = {"model": "chatty", "messages": HELLO}
REFUSED: list[tuple[str, dict[str, Any], int, str]] = [
    (COMPLETIONS, {"prompt": "The"}, 400, "model = None; expected the name"),
    (COMPLETIONS, {**ASKED, "model": "other"}, 404, "model 'other'; expected one of"),
    (COMPLETIONS, {**ASKED, "model": "book:9"}, 404, "version '9'"),
    (COMPLETIONS, {**ASKED, "model": "digits"}, 400, "digits answers to examples; expected a language model"),
    (COMPLETIONS, {"model": "book"}, 400, "prompt = None; expected a text"),
    (COMPLETIONS, {**ASKED, "prompt": ""}, 400, "an empty prompt"),
    (COMPLETIONS, {**ASKED, "prompt": []}, 400, "prompt = []; expected a text"),
    (COMPLETIONS, {**ASKED, "prompt": [1, "a"]}, 400, "expected a text, or a list"),
    (COMPLETIONS, {**ASKED, "prompt": [10**9]}, 400, "tokens beyond the model's; expected 0 to"),
    (COMPLETIONS, {**ASKED, "prompt": [-1]}, 400, "tokens beyond the model's"),
    (COMPLETIONS, {**ASKED, "prompt": ["a"] * 9}, 400, "9 texts; expected at most 8"),
    (COMPLETIONS, {**ASKED, "prompt": "a" * 60_000}, 400, "prompts of 60,000 tokens; expected fewer than 60,000"),
    (COMPLETIONS, {**ASKED, "max_tokens": 10**6}, 400, "max_tokens = 1000000; expected a whole number from 1 to 59997"),
    (COMPLETIONS, {**ASKED, "max_tokens": 0}, 400, "max_tokens = 0"),
    (COMPLETIONS, {**ASKED, "max_tokens": True}, 400, "max_tokens = True"),
    (COMPLETIONS, {**ASKED, "n": 100}, 400, "n = 100; expected a whole number from 1 to 8"),
    (COMPLETIONS, {**ASKED, "temperature": 3}, 400, "temperature = 3; expected a number from 0 to 2"),
    (COMPLETIONS, {**ASKED, "temperature": "hot"}, 400, "temperature = 'hot'"),
    (COMPLETIONS, {**ASKED, "top_p": 1.5}, 400, "top_p = 1.5"),
    (COMPLETIONS, {**ASKED, "seed": -1}, 400, "seed = -1"),
    (COMPLETIONS, {**ASKED, "stop": ""}, 400, "stop = ''; expected at most 16 texts"),
    (COMPLETIONS, {**ASKED, "stop": ["a"] * 17}, 400, "expected at most 16 texts"),
    (COMPLETIONS, {**ASKED, "stream": "yes"}, 400, "stream = 'yes'; expected true or false"),
    (COMPLETIONS, {**ASKED, "stream_options": 7}, 400, "stream_options = 7"),
    (COMPLETIONS, {**ASKED, "logprobs": 5}, 400, "logprobs = 5; expected False; leave it out"),
    (COMPLETIONS, {**ASKED, "frequency_penalty": 0.5}, 400, "frequency_penalty = 0.5; expected 0"),
    (COMPLETIONS, {**ASKED, "messages": HELLO}, 400, "messages = "),
    (COMPLETIONS, {**ASKED, "__proto__": 1}, 400, "__proto__ = 1; expected max_tokens"),
    (COMPLETIONS, {**ASKED, "response_format": {"type": "json_object"}}, 400, "expected {\"type\": \"text\"} or"),
    (CHAT, {**TALK, "response_format": {"type": "json_schema"}}, 400, "give a schema"),
    (CHAT, {**TALK, "response_format": {"type": "json_schema", "json_schema": {"schema": {"type": "date"}}}}, 400,
     "response_format: [schema] type = 'date'"),
    (CHAT, {**TALK, "model": "book"}, 400, "a tokenizer without <|im_start|>"),
    (CHAT, {**TALK, "messages": []}, 400, "messages = []; expected a list of turns"),
    (CHAT, {**TALK, "messages": ["hello"]}, 400, "messages[0] = 'hello'; expected a role"),
    (CHAT, {**TALK, "messages": [{"role": "tool", "content": "x"}]}, 400, "expected a role of system, user, assistant"),
    (CHAT, {**TALK, "messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, 400, "a text as content"),
    (CHAT, {**TALK, "tools": [{"type": "function"}]}, 400, "tools = "),
]  # fmt: skip


@pytest.mark.parametrize(("path", "body", "status", "reason"), REFUSED, ids=lambda part: str(part)[:60])
def test_what_cannot_be_answered_is_refused_in_their_form(
    path: str, body: dict[str, Any], status: int, reason: str, address: str
) -> None:
    for stream in (False, True):
        said = ask(address, path, {**body, **({"stream": True} if stream and "stream" not in body else {})})
        assert said.status == status and said.headers["content-type"] == "application/json"
        error = said.json["error"]
        assert reason in error["message"] and error["type"] and error["param"] is None, error


def test_refusals_before_a_model_are_in_their_form_too(address: str) -> None:
    assert "not JSON" in ask(address, CHAT, b"{", {"Content-Type": "application/json"}).json["error"]["message"]
    assert ask(address, CHAT, b"{}", {"Content-Type": "text/plain"}).json["error"]["type"] == "invalid_request_error"
    assert ask(address, "/v1/nothing").json["error"]["code"] == "model_not_found"
    said = ask(address, CHAT, b"{}", {"Origin": "http://evil.example"})
    assert said.status == 403 and said.json["error"]["type"] == "permission_error"
    assert ask(address, CHAT, method="DELETE").json["error"]["message"].startswith("Method Not Allowed")


def sample(address: str, name: str) -> float:
    lines = ask(address, "/metrics").body.decode().splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(name))


LONG = {"model": "book", "prompt": "The", "max_tokens": 59_000, "temperature": 1}


def begun(address: str, stream: bool) -> Any:
    """A connection on which a long text is being written."""
    body = json.dumps({**LONG, "stream": stream}).encode()
    link = connected(address)
    head = f"POST {COMPLETIONS} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    link.sendall(head.encode() + f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
    return link


def until(address: str, name: str, value: float, seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while sample(address, name) != value:
        assert time.monotonic() < end, name
        time.sleep(0.01)


@pytest.mark.parametrize(
    ("stream", "behind"),
    [(False, b""), (True, b""), (True, b"GET /v2/health/live HTTP/1.1\r\nHost: localhost\r\n\r\n")],
    ids=["whole", "stream", "another request waits behind the stream"],
)
def test_who_goes_away_ends_the_text(stream: bool, behind: bytes, address: str) -> None:
    pytest.importorskip("prometheus_client", reason="prometheus_client is not installed")
    written = 'powertrain_tokens_total{kind="written"'
    before = sample(address, written)
    link = begun(address, stream)
    if stream:
        assert link.recv(100).startswith(b"HTTP/1.1 200")
    else:
        until(address, "powertrain_writing_requests", 1)
    link.sendall(behind)
    link.close()
    until(address, "powertrain_writing_requests", 0)
    assert sample(address, written) - before < LONG["max_tokens"]  # type: ignore[operator]


def test_texts_are_written_side_by_side_and_examples_are_answered_meanwhile(address: str, images: Any) -> None:
    with begun(address, True) as first, begun(address, True) as second:
        for link in (first, second):
            assert link.recv(100).startswith(b"HTTP/1.1 200")
        said = ask(address, "/models/digits/predict", {"examples": images[:1].tolist()})
        assert said.status == 200
        assert b"[DONE]" not in first.recv(1 << 22) and b"[DONE]" not in second.recv(1 << 22)


def test_a_text_that_takes_too_long_ends_where_it_is(book: Path) -> None:
    limits = Limits(tokens=100_000, seconds=1)
    with running({"book": book}, Settings(port=0, limits=limits)) as address:
        body = {**LONG, "max_tokens": 90_000}
        (choice,) = ask(address, COMPLETIONS, body).json["choices"]
        assert choice["finish_reason"] == "length" and 0 < len(choice["text"]) < 90_000
        *_, last = events(ask(address, COMPLETIONS, {**body, "stream": True}).body)
        assert last["choices"][0]["finish_reason"] == "length"


def test_what_the_client_of_openai_reads(address: str) -> None:
    openai = pytest.importorskip("openai", reason="openai is not installed")
    with openai.OpenAI(base_url=f"{address}/v1", api_key="none", max_retries=0) as client:
        assert [one.id for one in client.models.list()] == ["book", "chatty"]
        whole = client.completions.create(model="book", prompt="The engine", max_tokens=20, temperature=0)
        parts = client.completions.create(model="book", prompt="The engine", max_tokens=20, temperature=0, stream=True)
        assert "".join(part.choices[0].text for part in parts) == whole.choices[0].text
        talk: dict[str, Any] = {"model": "chatty", "messages": HELLO, "seed": 4, "max_tokens": 30}
        said = client.chat.completions.create(**talk)
        pieces = client.chat.completions.create(**talk, stream=True, stream_options={"include_usage": True})
        chunks = list(pieces)
        text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
        assert text == said.choices[0].message.content and chunks[-1].usage == said.usage
        formed = client.chat.completions.create(**{**talk, "max_tokens": 80}, response_format=FORM)
        assert json.loads(formed.choices[0].message.content or "")["pet"] in ("cat", "dog")
        with pytest.raises(openai.NotFoundError, match="expected one of"):
            client.completions.create(model="none", prompt="x")
        with pytest.raises(openai.BadRequestError, match="expected a number from 0 to 2"):
            client.completions.create(model="book", prompt="x", temperature=9)
