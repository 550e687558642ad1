"""what keeps SMS from leaving; whose phone wants none

Revision ID: 0010
Revises: 0009
Create Date: 2026-11-30 06:30:00
"""
from alembic import op
import sqlalchemy as sa

from dispatcher.database import UtcDateTime


# revision identifiers, used by Alembic.
revision = '0010'
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade():
    op.create_table(
        'stoppage',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('scope', sa.String(8), nullable=False),
        sa.Column('setting', sa.String(12), nullable=False),
        sa.Column('code', sa.String(20), nullable=False),
        sa.Column('since', UtcDateTime(), nullable=False),
        sa.Column('stands', sa.Boolean(), nullable=False),
        sa.Column('by_receipt', sa.Boolean(), nullable=False),
        sa.Column('alarmed', sa.Boolean(), nullable=False),
        sa.Column('probe_at', UtcDateTime(), nullable=False),
        sa.Column('message_id', sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(['message_id'], ['message.id'], name=op.f('fk_stoppage_message_id')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_stoppage')),
        sa.UniqueConstraint('scope', name=op.f('uq_stoppage_scope')),
    )
    op.add_column('message', sa.Column('released_at', UtcDateTime(), nullable=True))
    op.add_column('offer', sa.Column('unasked_at', UtcDateTime(), nullable=True))
    op.add_column('retiree_phone', sa.Column('stopped_at', UtcDateTime(), nullable=True))
    # Who has sent STOP before is known by what still stands on the board.
    op.execute(
        "UPDATE retiree_phone SET stopped_at = ("
        "SELECT MIN(attention.raised_at) FROM attention WHERE attention.reason = 'stopped'"
        " AND attention.resolved_at IS NULL AND attention.retiree_id = retiree_phone.retiree_id)"
    )


def downgrade():
    op.drop_column('retiree_phone', 'stopped_at')
    op.drop_column('offer', 'unasked_at')
    op.drop_column('message', 'released_at')
    op.drop_table('stoppage')
