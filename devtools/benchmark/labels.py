"""Names beside points, placed so that they neither cover each other nor a point."""

from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Annotation
from matplotlib.transforms import Bbox, BboxBase

_POINT = 9.0
"""The room that a point itself takes, in points."""

_PLACES = tuple(
    (x, y)
    for far in (1.0, 1.8, 2.8)
    for x, y in ((7, 0), (-7, 0), (0, 8), (0, -8), (6, 6), (-6, 6), (6, -6), (-6, -6))
    for x, y in ((x * far, y * far),)
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


def annotate(axes: Axes, notes: list[Note]) -> None:
    """Write the names, the first ones first. Call it when the limits of the axes are final."""
    figure = axes.get_figure(root=True)
    assert figure is not None
    renderer = FigureCanvasAgg(figure).get_renderer()
    half = _POINT * figure.dpi / 144
    pixels = axes.transData.transform([note.at for note in notes])
    taken = [Bbox.from_extents(x - half, y - half, x + half, y + half) for x, y in pixels]
    for note in notes:
        text = axes.annotate(
            note.text, note.at, xytext=(0, 0), textcoords="offset points", color=note.colour,
            fontsize=note.size, fontweight="bold" if note.bold else "normal",
        )  # fmt: skip

        def covered(place: tuple[float, float], text: Annotation = text) -> float:
            _move(text, place)
            box = text.get_window_extent(renderer)
            outside = box.width * box.height - _shared(box, axes.bbox)
            return outside + sum(_shared(box, other) for other in taken)

        _move(text, min(_PLACES, key=covered))
        taken.append(text.get_window_extent(renderer))


def _move(text: Annotation, place: tuple[float, float]) -> None:
    x, y = place
    text.xyann = place
    text.set_horizontalalignment("center" if x == 0 else "left" if x > 0 else "right")
    text.set_verticalalignment("center" if y == 0 else "bottom" if y > 0 else "top")


def _shared(one: BboxBase, other: BboxBase) -> float:
    """The area in which two boxes overlap."""
    both = Bbox.intersection(one, other)
    return 0.0 if both is None else both.width * both.height
