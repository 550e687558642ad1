"""What comes of the text of a reply, in one word a task."""

from dispatcher.rules.replies import Several, Stage, Thread, Understood, understand

OFFER, HELD, CHECK, OVER = Stage.OFFERED, Stage.HELD, Stage.CHECK, Stage.OVER
ASKED = "asked"


def outcomes(body: str, *threads: Thread) -> list[str]:
    """What comes of a text, for each task that it names."""
    meant = understand(body, threads)
    parts = meant.parts if isinstance(meant, Several) else (meant,)
    return [part.intent.value if isinstance(part, Understood) else ASKED for part in parts]


def of_offer(body: str) -> list[str]:
    return outcomes(body, Thread(3, OFFER, 7))


def of_holder(body: str) -> list[str]:
    return outcomes(body, Thread(3, HELD, 7))


def of_retiree(body: str) -> list[str]:
    return outcomes(body, Thread(4, CHECK, 7))


def each(texts: str) -> list[str]:
    """A table of texts in one string, parted by `|`."""
    return [text for text in texts.replace("\n", "").split("|") if text]
