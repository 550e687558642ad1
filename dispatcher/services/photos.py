"""Pictures of receipts: made small and harmless before they are kept.

A picture comes from anybody's phone with whatever that phone wrote into it: where it was taken, when, with
what. Only what can be seen is kept: it is decoded and drawn anew as a plain JPEG.
"""

import hashlib
import threading
import warnings
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO

from PIL import Image, ImageOps
from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import Session, undefer

from dispatcher.database import insert_new
from dispatcher.models import ReceiptPhoto, Task, Volunteer
from dispatcher.services import history
from dispatcher.services.amending import may_account
from dispatcher.services.responding import Answer

MOST_BYTES = 12_000_000
"""Of a picture as it is sent: a phone's camera makes 2 to 8 million."""

MOST_PIXELS, MOST_PIXELS_OTHERS = 50_000_000, 20_000_000
"""Of a JPEG, which is decoded at a fraction of its size; and of others, which must be decoded whole."""

LONGEST_SIDE = 1600
"""Pixels of what is kept: the small print of a receipt can still be read."""

KEPT_BYTES = 400_000
"""What is kept is encoded ever more coarsely, and at last made smaller, until it is no larger."""

QUALITIES = (82, 70, 58, 46, 36)
MOST_PHOTOS = 6
"""So many are kept for a task of each volunteer who has held it."""

# Pillow's own guard; what it only warns of is refused.
Image.MAX_IMAGE_PIXELS = MOST_PIXELS
warnings.filterwarnings("error", category=Image.DecompressionBombWarning)

_one_at_a_time = threading.Lock()
"""The memory of a process is bounded by one picture, however many are sent at once."""

_OF_TASK = select(ReceiptPhoto).where(ReceiptPhoto.task_id == bindparam("task_id")).order_by(ReceiptPhoto.id)
_COUNT = select(func.count()).where(
    ReceiptPhoto.task_id == bindparam("task_id"), ReceiptPhoto.volunteer_id == bindparam("volunteer_id")
)
_WHOLE = _OF_TASK.options(undefer(ReceiptPhoto.jpeg)).offset(bindparam("before")).limit(1)


class BadPicture(ValueError):
    """It can't be kept; `code` says why: "no_picture", "too_many_pixels" or "too_many_bytes"."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class Picture:
    """A picture as it will be kept. `digest`: SHA-256 of what was sent."""

    digest: str
    width: int
    height: int
    jpeg: bytes


def redrawn(sent: bytes) -> Picture:
    """The picture in `sent` (JPEG, PNG or WebP), upright, no larger than needed, with nothing beside it.

    Takes up to a second: never to be called inside a transaction.

    Raises:
        BadPicture: it is none, or would take too much memory.
    """
    if len(sent) > MOST_BYTES:
        raise BadPicture("too_many_bytes")
    with _one_at_a_time:
        drawn = _drawn(sent)
        encoded = _encoded(drawn)
        while len(encoded) > KEPT_BYTES:
            drawn.thumbnail((drawn.width * 3 // 4, drawn.height * 3 // 4), Image.Resampling.LANCZOS)
            encoded = _encoded(drawn)
    return Picture(hashlib.sha256(sent).hexdigest(), drawn.width, drawn.height, encoded)


def _encoded(drawn: Image.Image) -> bytes:
    """As well as fits, or as coarsely as can be."""
    for quality in QUALITIES:
        out = BytesIO()
        drawn.save(out, "JPEG", quality=quality, optimize=True)
        if out.tell() <= KEPT_BYTES:
            break
    return out.getvalue()


def _drawn(sent: bytes) -> Image.Image:
    """The pixels alone, on white where nothing is."""
    try:
        with Image.open(BytesIO(sent), formats=("JPEG", "PNG", "WEBP")) as found:
            width, height = found.size
            if width * height > (MOST_PIXELS if found.format == "JPEG" else MOST_PIXELS_OTHERS):
                raise BadPicture("too_many_pixels")
            found.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))
            upright = ImageOps.exif_transpose(found)
            upright.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.LANCZOS)
            whole = upright.convert("RGBA")
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise BadPicture("too_many_pixels") from error
    except BadPicture:
        raise
    except Exception as error:  # a forged file may make the decoders raise anything
        raise BadPicture("no_picture") from error
    # A new image has no comment, no profile and no EXIF to be written again.
    drawn = Image.new("RGB", whole.size, "white")
    drawn.paste(whole, mask=whole.getchannel("A"))
    return drawn


def keep(tx: Session, task: Task, volunteer: Volunteer, picture: Picture, now: datetime) -> Answer:
    """Keep a picture for `task`, for its volunteer. The same one again is kept once.

    Refused when there are :data:`MOST_PHOTOS` of theirs already.
    """
    if not may_account(tx, task, volunteer, now):
        return Answer.OVER
    kept = tx.scalars(_OF_TASK, {"task_id": task.id}).all()
    if any(photo.digest == picture.digest for photo in kept):
        return Answer.NOTED
    if count(tx, task.id, volunteer.id) >= MOST_PHOTOS:
        return Answer.REFUSED
    row = {
        "task_id": task.id, "volunteer_id": volunteer.id, "digest": picture.digest, "width": picture.width,
        "height": picture.height, "jpeg": picture.jpeg, "created_at": now,
    }  # fmt: skip
    if insert_new(tx, ReceiptPhoto, [row], "task_id", "digest"):
        history.record(tx, "receipt", history.volunteer(volunteer), now, task, number=len(kept) + 1)
    return Answer.NOTED


def count(session: Session, task_id: int, volunteer_id: int) -> int:
    """How many pictures of this volunteer are kept for a task."""
    return session.scalars(_COUNT, {"task_id": task_id, "volunteer_id": volunteer_id}).one()


def jpeg(session: Session, task_id: int, number: int) -> bytes | None:
    """The picture of that number (from 1) of a task."""
    photo = session.scalars(_WHOLE, {"task_id": task_id, "before": number - 1}).first()
    return photo.jpeg if photo is not None else None
