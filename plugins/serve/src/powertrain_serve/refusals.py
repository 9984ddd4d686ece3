"""Answers to requests that are refused, in the form of the API that was asked."""

from __future__ import annotations

from typing import Any

from powertrain_serve.errors import RefusedError
from powertrain_serve.predict_api import answer

OPENAI = "/v1/"  # how the paths begin whose clients expect OpenAI's form
_KINDS = {401: "authentication_error", 403: "permission_error", 404: "not_found_error", 429: "rate_limit_error"}


def refusal(refused: RefusedError, path: str) -> Any:
    """The answer to a request that is refused. Where the body was not read, the connection ends, since it may go on."""
    headers = {}
    if refused.retry_after is not None:
        headers["Retry-After"] = str(refused.retry_after)
    if refused.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if refused.status in (401, 403, 408, 413, 415, 421, 431, 503):
        headers["Connection"] = "close"
    return answer(problem(refused.reason, refused.status, path), refused.status, headers)


def problem(reason: str, status: int, path: str) -> dict[str, Any]:
    """What went wrong, as JSON says it."""
    if not path.startswith(OPENAI):
        return {"error": reason}
    kind = _KINDS.get(status, "server_error" if status >= 500 else "invalid_request_error")
    code = "model_not_found" if status == 404 else None
    return {"error": {"message": reason, "type": kind, "param": None, "code": code}}
