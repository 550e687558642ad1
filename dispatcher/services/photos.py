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
from typing import IO

from PIL import Image, ImageOps
from PIL.JpegImagePlugin import JpegImageFile
from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import Session, undefer

from dispatcher.database import insert_new
from dispatcher.models import ReceiptPhoto, Task, Volunteer
from dispatcher.services import hearing, history
from dispatcher.services.amending import may_account
from dispatcher.services.responding import Answer

MOST_BYTES = 12_000_000
"""Of a picture as it is sent: a phone's camera makes 2 to 8 million."""

MOST_PIXELS = 50_000_000
"""Of a JPEG, which is decoded at a fraction of its size: an eighth, a quarter or half of each side."""

MOST_PIXELS_DECODED = 20_000_000
"""Of what is held at once: a JPEG at that fraction (a long strip is held whole), or whole where it is kept in
several scans (progressive); and any other picture."""

MOST_PIXELS_WEBP = 12_000_000
"""Of a WebP, whose decoder holds it four times."""

PATIENCE_S = 5.0
"""Seconds for which a picture waits for its turn before its sender is asked to try again."""

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
"""One picture is worked on at a time in each process, and read into memory only then: some 250 MB at most,
however many are sent at once."""

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


class Busy(Exception):
    """Other pictures are being worked on: it should be sent again in a moment."""


@dataclass(frozen=True)
class Picture:
    """A picture as it will be kept. `digest`: SHA-256 of what was sent."""

    digest: str
    width: int
    height: int
    jpeg: bytes


def redrawn(stream: IO[bytes]) -> Picture:
    """The picture in `stream` (JPEG, PNG or WebP), upright, no larger than needed, with nothing beside it.

    Takes up to a second, and as long again as it waits for its turn: never to be called inside a transaction.

    Raises:
        BadPicture: it is none, or would take too much memory.
        Busy: its turn didn't come within :data:`PATIENCE_S`.
    """
    if not _one_at_a_time.acquire(timeout=PATIENCE_S):
        raise Busy
    try:
        sent = stream.read(MOST_BYTES + 1)
        if len(sent) > MOST_BYTES:
            raise BadPicture("too_many_bytes")
        drawn = _drawn(sent)
        encoded = _encoded(drawn)
        while len(encoded) > KEPT_BYTES:
            drawn.thumbnail((drawn.width * 3 // 4, drawn.height * 3 // 4), Image.Resampling.LANCZOS)
            encoded = _encoded(drawn)
    finally:
        _one_at_a_time.release()
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
            if isinstance(found, JpegImageFile) and not _in_several_scans(found, sent):
                found.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))
            most = MOST_PIXELS_WEBP if found.format == "WEBP" else MOST_PIXELS_DECODED
            if found.width * found.height > most:
                raise BadPicture("too_many_pixels")
            # Made small where it lies, and turned then: the other way round it would be held twice.
            found.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.LANCZOS)
            whole = ImageOps.exif_transpose(found).convert("RGBA")
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


def _in_several_scans(found: JpegImageFile, sent: bytes) -> bool:
    """Whether a JPEG, its header just read, comes in several scans: those are gathered at full size, at
    whatever fraction it is decoded."""
    # Just read is the header of the first scan; by the standard (ITU-T T.81, B.2.3) it has marker and
    # length, the number of components, two bytes for each, and three more.
    header = found.fp.tell() - (8 + 2 * found.layers) if found.fp else 0
    return "progressive" in found.info or sent[header : header + 2] != b"\xff\xda"


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
        hearing.heard(tx, task, volunteer, now)
    return Answer.NOTED


def count(session: Session, task_id: int, volunteer_id: int) -> int:
    """How many pictures of this volunteer are kept for a task."""
    return session.scalars(_COUNT, {"task_id": task_id, "volunteer_id": volunteer_id}).one()


def jpeg(session: Session, task_id: int, number: int) -> bytes | None:
    """The picture of that number (from 1) of a task."""
    photo = session.scalars(_WHOLE, {"task_id": task_id, "before": number - 1}).first()
    return photo.jpeg if photo is not None else None
