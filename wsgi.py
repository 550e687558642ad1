"""The web process: `gunicorn wsgi:app`."""

import gc
import os

os.umask(0o077)  # what it writes from now on is for its own user only
gc.disable()  # while loading nothing becomes garbage; looking for it would take an eighth of the start

from dispatcher import create_app, logs

logs.play("web")
app = create_app()
gc.enable()
