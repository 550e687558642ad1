"""The parts of the simulator put together: state, controls, timer, and what runs on them."""

from __future__ import annotations

from functools import partial

from devtools.phones.callbacks import CallbackSender
from devtools.phones.config import Settings
from devtools.phones.controls import Controls
from devtools.phones.inbound import Inbound
from devtools.phones.journal import Journal
from devtools.phones.labels import LabelFile
from devtools.phones.models import TO_PHONE
from devtools.phones.scheduler import Scheduler
from devtools.phones.store import Store
from devtools.phones.walk import Walker
from devtools.phones.webhooks import Webhooks

JOURNAL_NAME = "phones.jsonl"
LABELS_NAME = "phone-labels.json"


class Simulator:
    """Owns all parts; the web routes reach them through it."""

    def __init__(self, settings: Settings) -> None:
        """Restore the state in the settings' data directory and take up what was under way."""
        self.settings = settings
        self.controls = Controls()
        self.scheduler = Scheduler()
        self.store = Store(
            Journal(settings.data_dir / JOURNAL_NAME), LabelFile(settings.data_dir / LABELS_NAME)
        )
        self._webhooks = Webhooks(settings.auth_token)
        self._callbacks = CallbackSender(
            settings.account_sid, self.store, self.controls, self.scheduler, self._webhooks
        )
        self.walker = Walker(
            self.store, self.controls, self.scheduler, self._callbacks, settings.hotline_number
        )
        self.inbound = Inbound(settings, self.store, self.controls, self.scheduler, self._webhooks)
        for message in self.store.unfinished():
            if message.direction == TO_PHONE:
                self.walker.start(message)
            else:
                self.scheduler.work(partial(self.inbound.deliver, message))

    def reset(self) -> None:
        """Forget all messages, phones and controls, and everything still to be done for them."""
        self.scheduler.forget()
        self._callbacks.forget()
        self.controls.reset()
        self.store.reset()

    def stop(self) -> None:
        """Stop the timer, release waiting requests and close the files."""
        self.scheduler.stop()
        self.store.close()
