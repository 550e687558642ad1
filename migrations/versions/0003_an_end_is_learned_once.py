"""an end is learned once

Revision ID: 0003
Revises: 0002
Create Date: 2026-11-24 14:50:00
"""
from alembic import op
import sqlalchemy as sa

from dispatcher.database import UtcDateTime


# revision identifiers, used by Alembic.
revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None


def upgrade():
    op.add_column('offer', sa.Column('learned_at', UtcDateTime(timezone=True), nullable=True))


def downgrade():
    op.drop_column('offer', 'learned_at')
