"""what outcomes teach

Revision ID: 0002
Revises: 0001
Create Date: 2026-11-24 04:16:26.285883

Columns are added and dropped in place: to make a table anew, as SQLite otherwise needs, is refused
while other tables point at it.
"""
from alembic import op
import sqlalchemy as sa

from dispatcher.database import UtcDateTime


# revision identifiers, used by Alembic.
revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None


def upgrade():
    op.create_table('answer_times',
    sa.Column('campus_id', sa.Integer(), nullable=False),
    sa.Column('urgent', sa.Boolean(), nullable=False),
    sa.Column('waiting', sa.JSON(), nullable=False),
    sa.Column('answered', sa.JSON(), nullable=False),
    sa.ForeignKeyConstraint(['campus_id'], ['campus.id'], name=op.f('fk_answer_times_campus_id')),
    sa.PrimaryKeyConstraint('campus_id', 'urgent', name=op.f('pk_answer_times'))
    )
    op.create_table('acceptance',
    sa.Column('volunteer_id', sa.Integer(), nullable=False),
    sa.Column('accepts', sa.JSON(), nullable=False),
    sa.Column('refusals', sa.JSON(), nullable=False),
    sa.Column('as_of', UtcDateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['volunteer_id'], ['volunteer.id'], name=op.f('fk_acceptance_volunteer_id')),
    sa.PrimaryKeyConstraint('volunteer_id', name=op.f('pk_acceptance'))
    )
    op.create_index('ix_duty_window_now', 'duty_window', ['weekday', 'start_min', 'end_min', 'volunteer_id'], unique=False)
    # Of offers made before nothing was believed: they get what is believed of a stranger.
    op.add_column('offer', sa.Column('chance', sa.Double(), nullable=False, server_default='0.36'))
    op.add_column('volunteer', sa.Column('recent_offers', sa.Double(), nullable=False, server_default='0'))
    op.drop_index('ix_volunteer_campus_id', 'volunteer')
    op.create_index('ix_volunteer_campus_active', 'volunteer', ['campus_id', 'active'], unique=False)


def downgrade():
    op.drop_index('ix_volunteer_campus_active', 'volunteer')
    op.create_index('ix_volunteer_campus_id', 'volunteer', ['campus_id'], unique=False)
    op.drop_column('volunteer', 'recent_offers')
    op.drop_column('offer', 'chance')
    op.drop_index('ix_duty_window_now', 'duty_window')
    op.drop_table('acceptance')
    op.drop_table('answer_times')
