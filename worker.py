"""The Celery process: `celery -A worker:celery_app worker -Q dispatch` (or sms), and beat."""

import tasks
from dispatcher import create_app

flask_app = create_app()
celery_app = flask_app.extensions["celery"]
celery_app.conf.beat_schedule = tasks.SCHEDULE
