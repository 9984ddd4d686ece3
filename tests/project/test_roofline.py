"""The estimate of steps on GPUs: the formula by hand, what it says of published steps, and the tables in the docs."""

from __future__ import annotations

from pathlib import Path

import pytest

import plan_records
import roofline
import run
from estimate import A100, B200, CARDS, EFFICIENCY, H100, START, Card, Work, estimate
from llmc import LARGEST, SMALL, STEPS, Published, llmc_step
from plan_records import Launch

ROOT = Path(run.__file__).parents[1]
CARD = Card("a card", 100, 1e12, {"tensor": 1e14, "mma": 5e13, "fma": 1e13})


def test_a_launch_takes_what_is_longer() -> None:
    computes = estimate([Work("product", "fma", 1e10, 1e6)], CARD)
    assert computes.products == pytest.approx(1e10 / (EFFICIENCY["product"] * 1e13)) and computes.memory == 0
    moves = estimate([Work("product", "tensor", 1e10, 1e9)], CARD)
    assert moves.memory == pytest.approx(1e9 / (EFFICIENCY["memory"] * 1e12)) and moves.products == 0
    assert moves.seconds == pytest.approx(START + moves.memory)


def test_few_blocks_leave_multiprocessors_idle() -> None:
    half, all_of_them = (estimate([Work("product", "fma", 1e10, 1e6, blocks)], CARD) for blocks in (50, 400))
    assert half.products == pytest.approx(2 * all_of_them.products)
    assert all_of_them == estimate([Work("product", "fma", 1e10, 1e6)], CARD)


def test_launches_that_are_alike_count_so_often() -> None:
    work = Work("attention", "mma", 1e9, 1e6)
    several = estimate([Work("attention", "mma", 1e9, 1e6, count=3)], CARD)
    assert several.seconds == pytest.approx(3 * estimate([work], CARD).seconds)


@pytest.mark.parametrize("step", STEPS, ids=[step.model.name for step in STEPS])
def test_published_steps_of_llmc_come_out_within_15_percent(step: Published) -> None:
    assert estimate(llmc_step(step), step.card).seconds == pytest.approx(step.seconds, rel=0.15)


def test_the_launches_of_llmc_have_the_flops_of_gpt2() -> None:
    # 6 flops for each parameter of a product and token, and the causal half of attention.
    for step in (STEPS[0], STEPS[3]):
        model = step.model
        products = 6 * (12 * model.layers * model.width**2 + 50304 * model.width) * step.tokens
        attention = 7 * model.layers * step.tokens * model.context * model.width
        assert sum(work.flops * work.count for work in llmc_step(step)) == pytest.approx(products + attention)
    assert SMALL.parameters == pytest.approx(124.5e6, rel=1e-3) and LARGEST.parameters == pytest.approx(
        1558e6, rel=1e-3
    )


def test_kernels_count_as_the_unit_that_they_use() -> None:
    def rate(kernel: str) -> tuple[str, str]:
        work = roofline.work_of(Launch(kernel, (3, 2, 1), (256, 1, 1), 0, 1.0, 1.0, ""))
        assert work.blocks == 6
        return work.kind, work.rate

    assert rate("matmul_bf16_large") == ("product", "mma")
    assert rate("conv2d_weight_f16_medium") == ("product", "mma")
    assert rate("matmul_f32_large") == rate("lstm_forward_f32_1") == rate("fused") == ("product", "fma")
    assert rate("attention_bf16_64") == rate("attention_dkv_f16_128") == ("attention", "mma")
    assert rate("attention_dq_half_128") == rate("attention_f32_64") == ("attention", "fma")


def test_every_plan_is_estimated_and_newer_cards_are_no_slower() -> None:
    for plan in plan_records.PLANS:
        times = [estimate(roofline.works_of(roofline.kept(plan)), card).seconds for card in CARDS]
        assert all(seconds > 0 for seconds in times), plan
        assert times == sorted(times, reverse=True), plan
    assert [card.units for card in (A100, H100, B200)] == [108, 132, 148]


def test_the_page_has_the_tables_of_today() -> None:
    _, tables, _ = run.parts(ROOT / "docs" / "benchmarks" / "gpu.md", roofline.PLACE)
    assert tables.strip() == roofline.text(), "python benchmarks/roofline.py --document docs/benchmarks/gpu.md"


def test_the_longest_kernels_of_a_plan(capsys: pytest.CaptureFixture[str]) -> None:
    assert roofline.main(["--kernels", "mlp_big"]) == 0
    assert capsys.readouterr().out.splitlines()[2].startswith("| matmul_f32_")
