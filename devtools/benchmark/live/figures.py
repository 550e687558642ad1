"""The arithmetic of the measurements: percentiles, ratios, and what was aimed at."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

Record = dict[str, Any]


def quantile(values: Sequence[float], share: float) -> float:
    """The least of `values` (sorted) that at least `share` of them don't exceed: nearest rank.

    Raises:
        ValueError: no values.
    """
    if not values:
        raise ValueError("a quantile of nothing")
    return values[max(0, math.ceil(share * len(values)) - 1)]


@dataclass(frozen=True)
class Spread:
    """How a number of values lies: their count, median, 95 % and 99 % quantile, and the largest."""

    n: int
    p50: float
    p95: float
    p99: float
    most: float

    @classmethod
    def of(cls, values: Iterable[float]) -> "Spread":
        """Raises ValueError when there are none."""
        ordered = sorted(values)
        p50, p95, p99 = (quantile(ordered, share) for share in (0.50, 0.95, 0.99))
        return cls(len(ordered), p50, p95, p99, ordered[-1])

    def record(self) -> Record:
        """As JSON."""
        return asdict(self)


@dataclass(frozen=True)
class Check:
    """One figure and its aim: `most` (or `least`) is the limit that still counts as met."""

    what: str
    value: float
    unit: str = ""
    most: float | None = None
    least: float | None = None

    @property
    def met(self) -> bool:
        """Whether the figure is on the right side of its limits; what isn't a number never is."""
        return (self.most is None or self.value <= self.most) and (
            self.least is None or self.value >= self.least
        )

    def record(self) -> Record:
        """As JSON, verdict included; JSON knows no infinity."""
        value = self.value if math.isfinite(self.value) else None
        return asdict(self) | {"value": value, "met": self.met}

    def line(self) -> str:
        """As one line of the closing table."""
        aim = f"<= {self.most:g}" if self.most is not None else f">= {self.least:g}"
        verdict = "met   " if self.met else "MISSED"
        return f"  {verdict}  {self.what:<70} {self.value:>9.3g} {self.unit:<4} ({aim})"


def ratio(measured: float, yardstick: float) -> float:
    """How many yardsticks long it is.

    Raises:
        ValueError: the yardstick has no length.
    """
    if yardstick <= 0:
        raise ValueError("a yardstick has a length")
    return measured / yardstick


def ms(seconds: float) -> str:
    """Seconds as milliseconds for a table."""
    return f"{1000 * seconds:,.1f}" if seconds < 0.1 else f"{1000 * seconds:,.0f}"
