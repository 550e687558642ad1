"""Breaks the real, running system on purpose while people use it, and audits what is left of it.

`storms` plans what breaks when, `faults` breaks it, `operators` and `people` use the system meanwhile,
`probe` measures how soon it works again, and `audit` compares what phones got with what the database
says. `run` puts one storm together, `report` shows all of them.
"""
