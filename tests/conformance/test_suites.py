"""Other people's suites find nothing but what docs/conformance.md says, and all of that."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="the suites are PyTorch's")
pytest.importorskip("onnx", reason="the vectors are ONNX's")
pytest.importorskip("array_api_strict", reason="it is the oracle of the array API")

from conformance import deviations
from conformance.suites import SUITES

pytestmark = [pytest.mark.slow, pytest.mark.conformance, pytest.mark.filterwarnings("ignore")]


@pytest.mark.parametrize("suite", SUITES)
def test_every_failure_has_its_row_and_every_row_its_failure(suite: str) -> None:
    if reason := SUITES[suite].absent():
        pytest.skip(reason)
    result = deviations.collect(suite, SUITES[suite].outcomes())
    assert result.passed > 0
    assert not result.problems(), "\n".join(result.problems())
