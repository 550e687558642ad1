"""indexes for what is read all the time, however much has been done before

Revision ID: 0005
Revises: 0004
Create Date: 2026-11-24 18:30:00
"""
from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision = '0005'
down_revision = '0004'
branch_labels = None
depends_on = None


def _partial(name, table, columns, where):
    op.create_index(name, table, columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where))


def upgrade():
    dialect = op.get_bind().dialect.name
    last_asked = 'last_asked_at' if dialect == 'sqlite' else 'last_asked_at NULLS FIRST'
    may_be_asked = 'active = 1' if dialect == 'sqlite' else 'active'
    where = f'{may_be_asked} AND stopped_at IS NULL'
    _partial(f'ix_volunteer_rested_{dialect}', 'volunteer', [sa.text(last_asked), 'id'], where)
    _partial(f'ix_volunteer_campus_rested_{dialect}', 'volunteer', ['campus_id', sa.text(last_asked), 'id'], where)
    _partial('ix_offer_live', 'offer', ['volunteer_id'], "state IN ('queued', 'sent')")
    _partial('ix_assignment_held', 'assignment', ['volunteer_id'], 'ended_at IS NULL')
    op.create_index('ix_assignment_volunteer_created', 'assignment', ['volunteer_id', 'created_at'])
    _partial('ix_task_due', 'task', ['look_again_at'], 'look_again_at IS NOT NULL')
    op.create_index('ix_help_request_operator', 'help_request', ['operator_id', 'id'])
    op.drop_index('ix_assignment_volunteer', table_name='assignment')
    op.drop_index('ix_task_look_again_at', table_name='task')
    op.drop_index('ix_offer_state_expires', table_name='offer')


def downgrade():
    dialect = op.get_bind().dialect.name
    op.create_index('ix_offer_state_expires', 'offer', ['state', 'expires_at'])
    op.create_index('ix_task_look_again_at', 'task', ['look_again_at'])
    op.create_index('ix_assignment_volunteer', 'assignment', ['volunteer_id', 'ended_at'])
    op.drop_index('ix_help_request_operator', table_name='help_request')
    op.drop_index('ix_task_due', table_name='task')
    op.drop_index('ix_assignment_volunteer_created', table_name='assignment')
    op.drop_index('ix_assignment_held', table_name='assignment')
    op.drop_index('ix_offer_live', table_name='offer')
    op.drop_index(f'ix_volunteer_campus_rested_{dialect}', table_name='volunteer')
    op.drop_index(f'ix_volunteer_rested_{dialect}', table_name='volunteer')
