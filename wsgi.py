"""The web process: `gunicorn wsgi:app`."""

import gc

gc.disable()  # while loading nothing becomes garbage; looking for it would take an eighth of the start

from dispatcher import create_app, logs

logs.play("web")
app = create_app()
gc.enable()
