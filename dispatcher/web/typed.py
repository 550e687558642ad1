"""What people typed, as it arrives: text that every database can hold."""

from collections.abc import Iterable
from typing import Any

from flask import Request
from werkzeug.datastructures import ImmutableMultiDict, MultiDict


class Typed(ImmutableMultiDict[str, str]):
    """Fields of a form or of an address without NUL characters, which PostgreSQL refuses.

    Nobody types one; where one is pasted or forged, the text around it is what was meant.
    `raw` holds the fields as they came: signatures are made over them. Uploaded files, which no
    form of ours has, are held in the same way and left as they are.
    """

    def __init__(self, pairs: Iterable[tuple[str, str]] = ()) -> None:
        self.raw: MultiDict[str, str] = MultiDict(pairs)
        super().__init__([(_clean(name), _clean(value)) for name, value in self.raw.items(multi=True)])


class TypedRequest(Request):
    """Flask's request, whose `form` and `args` are :class:`Typed`."""

    parameter_storage_class = Typed
    form: Typed
    args: Typed


def _clean(value: Any) -> Any:
    return value.replace("\x00", "") if isinstance(value, str) else value
