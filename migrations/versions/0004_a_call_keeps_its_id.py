"""a call keeps its correlation id

Revision ID: 0004
Revises: 0003
Create Date: 2026-11-24 17:40:00
"""
from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision = '0004'
down_revision = '0003'
branch_labels = None
depends_on = None


def upgrade():
    # Of calls saved before there were ids: they have none.
    op.add_column('help_request', sa.Column('correlation_id', sa.String(64), nullable=False, server_default=''))


def downgrade():
    op.drop_column('help_request', 'correlation_id')
