"""keys of volunteers, and by which version of the rules a person's keys were made: found by more

Revision ID: 0009
Revises: 0008
Create Date: 2026-11-30 06:40:00
"""
from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision = '0009'
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade():
    op.create_table(
        'volunteer_key',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('volunteer_id', sa.Integer(), nullable=False),
        sa.Column('key', sa.String(120).with_variant(sa.String(120, collation='C'), 'postgresql'), nullable=False),
        sa.Column('kind', sa.String(10), nullable=False),
        sa.ForeignKeyConstraint(['volunteer_id'], ['volunteer.id'], name=op.f('fk_volunteer_key_volunteer_id')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_volunteer_key')),
    )
    op.create_index('ix_volunteer_key_key_volunteer', 'volunteer_key', ['key', 'volunteer_id'])
    op.create_index(op.f('ix_volunteer_key_volunteer_id'), 'volunteer_key', ['volunteer_id'])
    # 0: by the rules before there were versions. Who has it is given new keys by `flask db upgrade` and by each
    # worker that starts, also those taken in meanwhile by processes of the version before.
    for table in ('retiree', 'volunteer'):
        op.add_column(table, sa.Column('keys_version', sa.Integer(), nullable=False, server_default='0'))
        op.create_index(f'ix_{table}_keys_version', table, ['keys_version'])


def downgrade():
    for table in ('volunteer', 'retiree'):
        op.drop_index(f'ix_{table}_keys_version', table_name=table)
        op.drop_column(table, 'keys_version')
    op.drop_table('volunteer_key')
