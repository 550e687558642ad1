"""which stoppages are over; which messages wait alone

Revision ID: 0012
Revises: 0011
Create Date: 2026-11-30 10:50:00
"""
from alembic import op
import sqlalchemy as sa

from dispatcher.database import UtcDateTime


# revision identifiers, used by Alembic.
revision = '0012'
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade():
    op.add_column('stoppage', sa.Column('ended_at', UtcDateTime(), nullable=True))
    op.add_column('message', sa.Column('alone_since', UtcDateTime(), nullable=True))


def downgrade():
    op.execute("DELETE FROM stoppage WHERE ended_at IS NOT NULL")
    op.drop_column('message', 'alone_since')
    op.drop_column('stoppage', 'ended_at')
