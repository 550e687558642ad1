"""an index of the tasks that are not over: among a million that are, the database finds them by it

Revision ID: 0006
Revises: 0005
Create Date: 2026-11-26 12:10:00
"""
from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision = '0006'
down_revision = '0005'
branch_labels = None
depends_on = None


def upgrade():
    open_ended = sa.text("state IN ('assigned', 'delivered', 'open', 'underway')")
    op.create_index(
        'ix_task_open_ended', 'task', ['state', 'campus_id'], sqlite_where=open_ended, postgresql_where=open_ended
    )
    op.drop_index('ix_task_state_campus', table_name='task')


def downgrade():
    op.create_index('ix_task_state_campus', 'task', ['state', 'campus_id'])
    op.drop_index('ix_task_open_ended', table_name='task')
