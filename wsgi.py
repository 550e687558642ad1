"""The web process: `gunicorn wsgi:app`."""

from dispatcher import create_app, logs

logs.play("web")
app = create_app()
