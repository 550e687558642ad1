"""A volunteer's tap on "Yes, I'll go", while saves come in at the highest rate."""

import asyncio

from devtools.benchmark.live import latency
from devtools.benchmark.live.figures import Check, Record
from devtools.benchmark.live.latency import show
from devtools.benchmark.live.stage import Stage

__all__ = ["checks", "measure", "show"]


def measure(stage: Stage, quick: bool) -> list[Record]:
    """The same load as of the latency, and an accept for one offer in a few."""
    stage.control(api_latency_s=latency.GATEWAY_S)
    for_s = latency.QUICK_FOR_S if quick else latency.FOR_S
    record = asyncio.run(latency.steady(stage, max(latency.RATES), for_s, taps=True))
    stage.control()
    return [record]


def checks(records: list[Record]) -> list[Check]:
    """Nothing is aimed at but that every task is heard of."""
    return [Check(f"{r['what']}: tasks without an offer out", r["unheard"], most=0) for r in records]
