"""drafts, calls to return, notes for the next shift; receipts, more time, free now; a volunteer's own page

Revision ID: 0007
Revises: 0006
Create Date: 2026-11-26 15:10:00
"""
from alembic import op
import sqlalchemy as sa

from dispatcher.database import UtcDateTime


# revision identifiers, used by Alembic.
revision = '0007'
down_revision = '0006'
branch_labels = None
depends_on = None


def upgrade():
    op.create_table(
        'draft',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('operator_id', sa.Integer(), nullable=False),
        sa.Column('form_key', sa.String(40), nullable=False),
        sa.Column('retiree_id', sa.Integer(), nullable=True),
        sa.Column('typed', sa.Text(), nullable=False),
        sa.Column('created_at', UtcDateTime(), nullable=False),
        sa.Column('seen_at', UtcDateTime(), nullable=False),
        sa.Column('thrown_away', sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(['operator_id'], ['staff.id'], name=op.f('fk_draft_operator_id')),
        sa.ForeignKeyConstraint(['retiree_id'], ['retiree.id'], name=op.f('fk_draft_retiree_id')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_draft')),
        sa.UniqueConstraint('operator_id', 'form_key', name=op.f('uq_draft_operator_id_form_key')),
    )
    op.create_index('ix_draft_retiree_seen', 'draft', ['retiree_id', 'seen_at'])
    op.create_table(
        'return_call',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('retiree_id', sa.Integer(), nullable=True),
        sa.Column('name', sa.String(80), nullable=False),
        sa.Column('phone', sa.String(20), nullable=False),
        sa.Column('notes', sa.String(500), nullable=False),
        sa.Column('due_at', UtcDateTime(), nullable=False),
        sa.Column('created_by_id', sa.Integer(), nullable=False),
        sa.Column('created_at', UtcDateTime(), nullable=False),
        sa.Column('claimed_by_id', sa.Integer(), nullable=True),
        sa.Column('claimed_at', UtcDateTime(), nullable=True),
        sa.Column('done_by_id', sa.Integer(), nullable=True),
        sa.Column('done_at', UtcDateTime(), nullable=True),
        sa.Column('outcome', sa.String(200), nullable=False),
        sa.Column('request_id', sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(['retiree_id'], ['retiree.id'], name=op.f('fk_return_call_retiree_id')),
        sa.ForeignKeyConstraint(['created_by_id'], ['staff.id'], name=op.f('fk_return_call_created_by_id')),
        sa.ForeignKeyConstraint(['claimed_by_id'], ['staff.id'], name=op.f('fk_return_call_claimed_by_id')),
        sa.ForeignKeyConstraint(['done_by_id'], ['staff.id'], name=op.f('fk_return_call_done_by_id')),
        sa.ForeignKeyConstraint(['request_id'], ['help_request.id'], name=op.f('fk_return_call_request_id')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_return_call')),
    )
    to_be_made = sa.text('done_at IS NULL')
    op.create_index(
        'ix_return_call_due', 'return_call', ['due_at'], sqlite_where=to_be_made, postgresql_where=to_be_made
    )
    op.create_table(
        'shift_note',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('staff_id', sa.Integer(), nullable=False),
        sa.Column('at', UtcDateTime(), nullable=False),
        sa.Column('text', sa.String(1000), nullable=False),
        sa.ForeignKeyConstraint(['staff_id'], ['staff.id'], name=op.f('fk_shift_note_staff_id')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_shift_note')),
    )
    op.create_index('ix_shift_note_at', 'shift_note', ['at'])
    op.create_table(
        'receipt_photo',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('task_id', sa.Integer(), nullable=False),
        sa.Column('volunteer_id', sa.Integer(), nullable=False),
        sa.Column('digest', sa.String(64), nullable=False),
        sa.Column('width', sa.Integer(), nullable=False),
        sa.Column('height', sa.Integer(), nullable=False),
        sa.Column('jpeg', sa.LargeBinary(), nullable=False),
        sa.Column('created_at', UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(['task_id'], ['task.id'], name=op.f('fk_receipt_photo_task_id')),
        sa.ForeignKeyConstraint(['volunteer_id'], ['volunteer.id'], name=op.f('fk_receipt_photo_volunteer_id')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_receipt_photo')),
        sa.UniqueConstraint('task_id', 'digest', name=op.f('uq_receipt_photo_task_id_digest')),
    )
    op.add_column('assignment', sa.Column('underway_at', UtcDateTime(), nullable=True))
    op.add_column('assignment', sa.Column('more_time_min', sa.Integer(), nullable=False, server_default='0'))
    op.add_column('volunteer', sa.Column('free_until', UtcDateTime(), nullable=True))
    op.add_column('volunteer', sa.Column('links_lost_at', UtcDateTime(), nullable=True))
    has_said_so = sa.text('free_until IS NOT NULL')
    op.create_index(
        'ix_volunteer_free', 'volunteer', ['free_until'],
        sqlite_where=has_said_so, postgresql_where=has_said_so,
    )
    with op.batch_alter_table('attention') as attention:
        attention.add_column(sa.Column('claimed_by_id', sa.Integer(), nullable=True))
        attention.add_column(sa.Column('claimed_at', UtcDateTime(), nullable=True))
        attention.create_foreign_key(op.f('fk_attention_claimed_by_id'), 'staff', ['claimed_by_id'], ['id'])
    with op.batch_alter_table('link_token') as link_token:
        link_token.alter_column('task_id', existing_type=sa.Integer(), nullable=True)
    op.create_index('ix_link_token_volunteer_id', 'link_token', ['volunteer_id'])
    incoming = sa.text("direction = 'in'")
    op.create_index(
        'ix_message_in_created', 'message', ['created_at'], sqlite_where=incoming, postgresql_where=incoming
    )


def downgrade():
    op.drop_index('ix_message_in_created', table_name='message')
    op.drop_index('ix_volunteer_free', table_name='volunteer')
    op.drop_index('ix_link_token_volunteer_id', table_name='link_token')
    op.execute('DELETE FROM link_token WHERE task_id IS NULL')
    with op.batch_alter_table('link_token') as link_token:
        link_token.alter_column('task_id', existing_type=sa.Integer(), nullable=False)
    with op.batch_alter_table('attention') as attention:
        attention.drop_constraint(op.f('fk_attention_claimed_by_id'), type_='foreignkey')
        attention.drop_column('claimed_at')
        attention.drop_column('claimed_by_id')
    for table, column in (
        ('volunteer', 'links_lost_at'), ('volunteer', 'free_until'), ('assignment', 'more_time_min'),
        ('assignment', 'underway_at'),
    ):
        op.drop_column(table, column)
    for table in ('receipt_photo', 'shift_note', 'return_call', 'draft'):
        op.drop_table(table)
