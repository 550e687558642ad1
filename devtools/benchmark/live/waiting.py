"""Open tasks by the thousand, with the offers and messages that wait, written past the services."""

from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from devtools.benchmark.live.people import fill, free_ids
from dispatcher.models import Assignment, HelpRequest, Message, Offer, ReplyCode, Retiree, Task, Volunteer
from dispatcher.services import outbox

PARAMS = {
    "category": "medicine", "campus": {"zh": "第1校区", "en": "Campus 1"}, "urgency": "soon",
    "due_at": None, "area": "东区", "yes": "21", "no": "20",
}  # fmt: skip
"""Of an offer's message."""

HELD_EACH = 3
"""Every so many-th task is held by a volunteer, where some are."""


def write(
    tx: Session, tasks: int, offers_each: int, now: datetime, messages: bool = False, held: bool = False
) -> None:
    """So many tasks of the calmest kind, each put to `offers_each` volunteers in turn; no look is due.

    `messages`: the offers wait to be sent. `held`: some of the tasks are held already.
    """
    people, retirees = (tx.scalar(select(func.count()).select_from(m)) or 1 for m in (Volunteer, Retiree))
    request, task, offer = (
        1 + (tx.scalar(select(func.max(model.id))) or 0) for model in (HelpRequest, Task, Offer)
    )
    fill(
        tx, HelpRequest,
        ({"id": request + n, "retiree_id": n % retirees + 1, "operator_id": 1,
          "form_key": f"seed{request + n}", "created_at": now} for n in range(tasks)),
    )  # fmt: skip
    campus_of = dict(tx.execute(select(Retiree.id, Retiree.campus_id)).tuples().all())
    fill(
        tx, Task,
        ({"id": task + n, "request_id": request + n, "retiree_id": n % retirees + 1,
          "campus_id": campus_of[n % retirees + 1], "category": "groceries", "urgency": "routine",
          "code_word": "hai", "items": [{"name": "阿司匹林", "amount": "2盒"}],
          "state": "assigned" if held and n % HELD_EACH == 0 else "open",
          "created_at": now, "opened_at": now, "assigned_at": now, "waiting": {"code": "answers"}}
         for n in range(tasks)),
    )  # fmt: skip
    pairs = [
        (n * offers_each + k, task + n, (n * offers_each + k) % people + 1, held and n % HELD_EACH == 0)
        for n in range(tasks) for k in range(offers_each)
    ]  # fmt: skip
    fill(
        tx, Offer,
        ({"id": offer + o, "task_id": t, "volunteer_id": v, "wave": 1, "ring": 0, "chance": 0.4,
          "state": "withdrawn" if taken else "queued" if messages else "sent", "created_at": now,
          "expires_at": now + timedelta(minutes=15)} for o, t, v, taken in pairs),
    )  # fmt: skip
    if held:
        fill(
            tx, Assignment,
            ({"task_id": task + n, "volunteer_id": n % people + 1, "created_at": now}
             for n in range(0, tasks, HELD_EACH)),
        )  # fmt: skip
    if messages:
        fill(
            tx, ReplyCode,
            ({"phone": f"+86136{v:08}", "number": offer + o, "purpose": "help", "task_id": t,
              "volunteer_id": v, "created_at": now} for o, t, v, _ in pairs),
        )  # fmt: skip
        fill(
            tx, Message,
            ({"direction": "out", "kind": "offer", "params": PARAMS, "language": "zh",
              "phone": f"+86136{v:08}", "state": "queued", "task_id": t, "offer_id": offer + o,
              "volunteer_id": v, "created_at": now, "wake_at": now + outbox.GRACE}
             for o, t, v, _ in pairs),
        )  # fmt: skip
    free_ids(tx, HelpRequest, Task, Offer)
