"""What people typed, as it arrives: text that every database can hold."""

import re
from collections.abc import Iterable
from typing import Any

from flask import Request
from werkzeug.datastructures import ImmutableMultiDict, MultiDict


class Typed(ImmutableMultiDict[str, str]):
    """Fields of a form or of an address without what nobody types: NUL characters, which PostgreSQL refuses,
    other controls and non-characters, which no sheet can hold; a new line is one character.

    Nobody types one; where one is pasted or forged, the text around it is what was meant.
    `raw` holds the fields as they came: signatures are made over them. Uploaded files are
    held in the same way and left as they are.
    """

    def __init__(self, pairs: Iterable[tuple[str, str]] = ()) -> None:
        self.raw: MultiDict[str, str] = MultiDict(pairs)
        super().__init__([(_clean(name), _clean(value)) for name, value in self.raw.items(multi=True)])


class TypedRequest(Request):
    """Flask's request, whose `form` and `args` are :class:`Typed`."""

    parameter_storage_class = Typed
    form: Typed
    args: Typed


_UNTYPED = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


def _clean(value: Any) -> Any:
    return _UNTYPED.sub("", value.replace("\r\n", "\n")) if isinstance(value, str) else value
