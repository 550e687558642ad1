"""Keeping Python's garbage collector away from what never becomes garbage."""

import gc


def settle() -> None:
    """To be called once, when everything is loaded and before a process forks or serves.

    Some 350,000 objects (dictionaries of pinyin, mapped classes, templates) live as long as the process.
    Reading a few thousand rows sets off a full collection, which would go through all of them each time:
    a tenth of a second in which no thread of the process runs.
    """
    gc.collect()
    gc.freeze()
