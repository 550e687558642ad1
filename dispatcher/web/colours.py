"""The colours of static/css/tokens.css for pictures, which no style sheet of a page reaches.

A test compares them: whoever changes one place changes the other.
"""

LIGHT = {
    "ink": "#1d1f21",
    "ink-soft": "#54585d",
    "line": "#dedbd3",
    "line-strong": "#85837c",
    "accent": "#0b5563",
    "needs": "#b3261e",
    "waiting-bar": "#b26f00",
    "held-ink": "#134c96",
    "delivered-ink": "#176a35",
}
DARK = {
    "ink": "#eceae6",
    "ink-soft": "#b3b6b9",
    "line": "#363a3e",
    "line-strong": "#83888d",
    "accent": "#74c6d5",
    "needs": "#c7372e",
    "waiting-bar": "#dc9f24",
    "held-ink": "#9dc6f9",
    "delivered-ink": "#82d29c",
}
FONT = 'system-ui, "PingFang SC", "Microsoft YaHei", "Noto Sans SC", "Noto Sans CJK SC", sans-serif'
