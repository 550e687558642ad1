"""Names beside points, placed so that they neither cover each other nor a point."""

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.text import Annotation
from matplotlib.transforms import Bbox, BboxBase

_POINT = 9.0
"""The room that a point itself takes, in points."""

_NEAR = 12.0
"""A name further than this from its point, in points, is joined to it by a line."""

_PLACES = tuple(
    (far * x, far * y)
    for far in (1, 1.6, 2.4, 3.4)
    for x, y in ((9, 0), (-9, 0), (0, 9), (0, -9), (6, 6), (-6, 6), (6, -6), (-6, -6))
)
"""Where a name may stand, in points from its point; those before are liked better."""


@dataclass(frozen=True)
class Note:
    """A name to stand beside a point, given in data coordinates. `size`: of the letters, in points."""

    text: str
    at: tuple[float, float]
    colour: str
    size: float
    bold: bool = False


Stroke = tuple[tuple[float, float], tuple[float, float]]
"""An upright or level line between two points, in data coordinates."""


def annotate(axes: Axes, notes: list[Note], strokes: list[Stroke]) -> None:
    """Write the names, off the strokes too; the first names choose first.

    Call it when limits and layout of the axes are final.
    """
    points = axes.transData.transform([note.at for note in notes])
    ends = [axes.transData.transform(stroke) for stroke in strokes]
    half = _POINT * axes.figure.dpi / 144
    taken = [Bbox.from_extents(x - half, y - half, x + half, y + half) for x, y in points]
    taken += [Bbox.from_extents(*low, *high).padded(2) for low, high in ends]
    for note in notes:
        text = axes.annotate(
            note.text, note.at, xytext=(0, 0), textcoords="offset points", color=note.colour,
            fontsize=note.size, fontweight="bold" if note.bold else "normal",
        )  # fmt: skip

        def covered(place: tuple[float, float], text: Annotation = text) -> float:
            _move(text, place)
            box = text.get_window_extent()
            outside = box.width * box.height - _shared(box, axes.bbox)
            return outside + sum(_shared(box, other) for other in taken)

        place = min(_PLACES, key=covered)
        _move(text, place)
        taken.append(text.get_window_extent())
        if np.hypot(*place) > _NEAR:
            axes.annotate(
                "", note.at, xytext=place, textcoords="offset points",
                arrowprops={"arrowstyle": "-", "color": note.colour, "lw": 0.6, "shrinkA": 0, "shrinkB": 2},
            )  # fmt: skip


def _move(text: Annotation, place: tuple[float, float]) -> None:
    x, y = place
    text.xyann = place
    text.set_horizontalalignment("center" if x == 0 else "left" if x > 0 else "right")
    text.set_verticalalignment("center" if y == 0 else "bottom" if y > 0 else "top")


def _shared(one: BboxBase, other: BboxBase) -> float:
    """The area in which two boxes overlap."""
    both = Bbox.intersection(one, other)
    return 0.0 if both is None else both.width * both.height
