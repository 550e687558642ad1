"""What of an address may be told to whom."""

import re

# 3号楼2单元501: the entrance and the door are nobody's business who only shows the way.
_DOOR = re.compile(
    r"[,，\s]*(?:第?[0-9０-９一二三四五六七八九十甲乙丙丁东西中南北A-Za-z]{1,3}\s*(?:单元|门)(?!口).*"
    r"|\b(?:unit|entrance|apt\.?|apartment|flat|room)\b.*"
    r"|[0-9０-９]{1,4}\s*[室户]\s*)$",
    re.IGNORECASE,
)


def building(address: str) -> str:
    """`address` as far as the house: without entrance, floor and door, where they can be told apart."""
    short = _DOOR.sub("", address.strip())
    return short or address.strip()
