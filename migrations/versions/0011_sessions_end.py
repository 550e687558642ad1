"""logins are rows, which end

Revision ID: 0011
Revises: 0010
Create Date: 2026-11-30 06:20:00
"""
from alembic import op
import sqlalchemy as sa

from dispatcher.database import UtcDateTime


# revision identifiers, used by Alembic.
revision = '0011'
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade():
    op.create_table(
        'login_session',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('key_hash', sa.String(64), nullable=False),
        sa.Column('staff_id', sa.Integer(), nullable=False),
        sa.Column('address_hash', sa.String(64), nullable=False),
        sa.Column('created_at', UtcDateTime(), nullable=False),
        sa.Column('expires_at', UtcDateTime(), nullable=False),
        sa.Column('ended', sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(['staff_id'], ['staff.id'], name=op.f('fk_login_session_staff_id')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_login_session')),
        sa.UniqueConstraint('key_hash', name=op.f('uq_login_session_key_hash')),
    )
    op.create_index(op.f('ix_login_session_staff_id'), 'login_session', ['staff_id'])
    op.create_index(op.f('ix_login_session_expires_at'), 'login_session', ['expires_at'])


def downgrade():
    op.drop_table('login_session')
