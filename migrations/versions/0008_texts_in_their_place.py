"""texts that nothing was done with stand once for each phone; whose phone it is

Revision ID: 0008
Revises: 0007
Create Date: 2026-11-30 06:20:00
"""
from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision = '0008'
down_revision = '0007'
branch_labels = None
depends_on = None


def upgrade():
    op.add_column('attention', sa.Column('sender', sa.String(12), nullable=True))
    one_each = sa.text('resolved_at IS NULL AND sender IS NOT NULL')
    op.create_index(
        'uq_attention_texts_standing', 'attention', ['subject'], unique=True,
        sqlite_where=one_each, postgresql_where=one_each,
    )
    op.create_index(op.f('ix_retiree_contact_phone'), 'retiree', ['contact_phone'])


def downgrade():
    op.drop_index(op.f('ix_retiree_contact_phone'), table_name='retiree')
    op.drop_index('uq_attention_texts_standing', table_name='attention')
    op.drop_column('attention', 'sender')
