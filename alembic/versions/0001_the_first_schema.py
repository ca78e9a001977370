"""The first schema: every table of the house, and the ledger's append-only triggers.

Revision: 0001
Follows: 
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from payments import triggers


revision = '0001'
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('accounts',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_accounts'))
    )
    op.create_table('counters',
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('value', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.PrimaryKeyConstraint('name', name=op.f('pk_counters'))
    )
    op.create_table('escrows',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('subject', sa.String(), nullable=False),
    sa.Column('price', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('fee', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('slots', sa.Integer(), nullable=False),
    sa.Column('opened_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('fee >= 0', name=op.f('ck_escrows_fee')),
    sa.CheckConstraint('price > 0', name=op.f('ck_escrows_price')),
    sa.CheckConstraint('slots > 0', name=op.f('ck_escrows_slots')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_escrows')),
    sa.UniqueConstraint('subject', name=op.f('uq_escrows_subject'))
    )
    op.create_table('history',
    sa.Column('seq', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
    sa.Column('tenant', sa.String(), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('subject', sa.String(), nullable=False),
    sa.Column('before', sa.String(), nullable=True),
    sa.Column('after', sa.String(), nullable=False),
    sa.Column('actor', sa.String(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('facts', sa.JSON(none_as_null=True), nullable=False),
    sa.PrimaryKeyConstraint('seq', name=op.f('pk_history'))
    )
    with op.batch_alter_table('history', schema=None) as batch_op:
        batch_op.create_index('ix_history_subject', ['subject'], unique=False)
        batch_op.create_index('ix_history_tenant_seq', ['tenant', 'seq'], unique=False)

    op.create_table('ledger_accounts',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('floor', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('ceiling', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('balance', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('version', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('opened_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('balance <= ceiling', name=op.f('ck_ledger_accounts_ceiling')),
    sa.CheckConstraint('balance >= floor', name=op.f('ck_ledger_accounts_floor')),
    sa.CheckConstraint('version >= 0', name=op.f('ck_ledger_accounts_version')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_ledger_accounts'))
    )
    op.create_table('ledger_postings',
    sa.Column('key', sa.String(), nullable=False),
    sa.Column('request_hash', sa.String(), nullable=False),
    sa.Column('legs', sa.Integer(), nullable=False),
    sa.Column('posted_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('legs > 0', name=op.f('ck_ledger_postings_legs')),
    sa.PrimaryKeyConstraint('key', name=op.f('pk_ledger_postings'))
    )
    op.create_table('log_checkpoints',
    sa.Column('size', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=False, nullable=False),
    sa.Column('root', sa.LargeBinary(), nullable=False),
    sa.Column('note', sa.Text(), nullable=False),
    sa.Column('signed_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('size >= 0 AND length(root) = 32', name=op.f('ck_log_checkpoints_tree_head')),
    sa.PrimaryKeyConstraint('size', name=op.f('pk_log_checkpoints'))
    )
    op.create_table('log_leaves',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
    sa.Column('leaf_index', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('data', sa.LargeBinary(), nullable=False),
    sa.Column('leaf_hash', sa.LargeBinary(), nullable=False),
    sa.Column('inserted_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('leaf_index >= 0', name=op.f('ck_log_leaves_index_not_negative')),
    sa.CheckConstraint('length(leaf_hash) = 32', name=op.f('ck_log_leaves_hash_size')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_log_leaves')),
    sa.UniqueConstraint('leaf_index', name=op.f('uq_log_leaves_leaf_index'))
    )
    with op.batch_alter_table('log_leaves', schema=None) as batch_op:
        batch_op.create_index('ix_log_leaves_unsequenced', ['id'], unique=False, postgresql_where=sa.text('leaf_index IS NULL'), sqlite_where=sa.text('leaf_index IS NULL'))

    op.create_table('log_tiles',
    sa.Column('level', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('tile_index', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=False, nullable=False),
    sa.Column('hashes', sa.LargeBinary(), nullable=False),
    sa.CheckConstraint('length(hashes) BETWEEN 32 AND 8192 AND length(hashes) % 32 = 0', name=op.f('ck_log_tiles_whole_hashes')),
    sa.PrimaryKeyConstraint('level', 'tile_index', name=op.f('pk_log_tiles'))
    )
    op.create_table('remembered',
    sa.Column('capture', sa.String(), nullable=False),
    sa.Column('order', sa.BigInteger(), nullable=False),
    sa.Column('account', sa.String(), nullable=False),
    sa.Column('bounty', sa.String(), nullable=False),
    sa.Column('media_sha256', sa.String(), nullable=False),
    sa.Column('hashes', sa.LargeBinary(), nullable=True),
    sa.Column('look', sa.String(), nullable=True),
    sa.Column('lat', sa.Double(), nullable=True),
    sa.Column('lon', sa.Double(), nullable=True),
    sa.Column('cell', sa.String(), nullable=True),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('(hashes IS NULL) = (look IS NULL)', name=op.f('ck_remembered_picture_whole')),
    sa.CheckConstraint('(lat IS NULL) = (lon IS NULL)', name=op.f('ck_remembered_spot_whole')),
    sa.PrimaryKeyConstraint('capture', name=op.f('pk_remembered')),
    sa.UniqueConstraint('order', name=op.f('uq_remembered_order'))
    )
    with op.batch_alter_table('remembered', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_remembered_account_order'), ['account', 'order'], unique=False)
        batch_op.create_index(batch_op.f('ix_remembered_bounty_order'), ['bounty', 'order'], unique=False)
        batch_op.create_index(batch_op.f('ix_remembered_cell_order'), ['cell', 'order'], unique=False)
        batch_op.create_index(batch_op.f('ix_remembered_media_sha256'), ['media_sha256'], unique=False)

    op.create_table('remembered_calls',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
    sa.Column('caller', sa.String(), nullable=False),
    sa.Column('key', sa.String(), nullable=False),
    sa.Column('request_hash', sa.String(), nullable=False),
    sa.Column('status', sa.Integer(), nullable=False),
    sa.Column('answer', sa.JSON(none_as_null=True), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_remembered_calls')),
    sa.UniqueConstraint('caller', 'key', name=op.f('uq_remembered_calls_caller_key'))
    )
    op.create_table('sandbox_book',
    sa.Column('operation', sa.String(), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('account', sa.String(), nullable=False),
    sa.Column('amount', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('outcome', sa.String(), nullable=True),
    sa.Column('reason', sa.String(), nullable=True),
    sa.Column('seen_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("kind IN ('deposit', 'payout')", name=op.f('ck_sandbox_book_kind')),
    sa.CheckConstraint('amount > 0', name=op.f('ck_sandbox_book_amount')),
    sa.PrimaryKeyConstraint('operation', name=op.f('pk_sandbox_book'))
    )
    op.create_table('api_keys',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('account', sa.String(), nullable=False),
    sa.Column('secret_hash', sa.String(), nullable=False),
    sa.Column('scopes', sa.JSON(), nullable=False),
    sa.Column('limit_per_bounty', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('limit_per_day', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('limit_total', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('spent_total', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('revoked_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint('limit_total IS NULL OR spent_total <= limit_total', name=op.f('ck_api_keys_total')),
    sa.CheckConstraint('spent_total >= 0', name=op.f('ck_api_keys_spent')),
    sa.ForeignKeyConstraint(['account'], ['accounts.id'], name=op.f('fk_api_keys_account')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_api_keys')),
    sa.UniqueConstraint('secret_hash', name=op.f('uq_api_keys_secret_hash'))
    )
    with op.batch_alter_table('api_keys', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_api_keys_account'), ['account'], unique=False)

    op.create_table('bounties',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('account', sa.String(), nullable=False),
    sa.Column('status', sa.String(), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('ask', sa.String(), nullable=False),
    sa.Column('terms', sa.JSON(none_as_null=True), nullable=False),
    sa.Column('lat', sa.Double(), nullable=False),
    sa.Column('lon', sa.Double(), nullable=False),
    sa.Column('cell', sa.String(), nullable=False),
    sa.Column('opens_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('closes_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('reward', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('fee', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('slots', sa.Integer(), nullable=False),
    sa.Column('tier', sa.Integer(), nullable=False),
    sa.Column('escrow', sa.String(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('reward > 0 AND fee >= 0 AND slots > 0', name=op.f('ck_bounties_amounts')),
    sa.ForeignKeyConstraint(['account'], ['accounts.id'], name=op.f('fk_bounties_account')),
    sa.ForeignKeyConstraint(['escrow'], ['escrows.id'], name=op.f('fk_bounties_escrow')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_bounties')),
    sa.UniqueConstraint('escrow', name=op.f('uq_bounties_escrow'))
    )
    with op.batch_alter_table('bounties', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_bounties_account'), ['account'], unique=False)
        batch_op.create_index('ix_bounties_status_cell', ['status', 'cell'], unique=False)
        batch_op.create_index('ix_bounties_status_closes_at', ['status', 'closes_at'], unique=False)

    op.create_table('devices',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('account', sa.String(), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('algorithm', sa.String(), nullable=False),
    sa.Column('public_key', sa.LargeBinary(), nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('lat', sa.Double(), nullable=True),
    sa.Column('lon', sa.Double(), nullable=True),
    sa.Column('enrolled_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('revoked_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['account'], ['accounts.id'], name=op.f('fk_devices_account')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_devices')),
    sa.UniqueConstraint('public_key', name=op.f('uq_devices_public_key'))
    )
    with op.batch_alter_table('devices', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_devices_account'), ['account'], unique=False)

    op.create_table('escrow_payers',
    sa.Column('escrow', sa.String(), nullable=False),
    sa.Column('account', sa.String(), nullable=False),
    sa.Column('amount', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('refunded', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.CheckConstraint('amount > 0', name=op.f('ck_escrow_payers_amount')),
    sa.CheckConstraint('refunded >= 0 AND refunded <= amount', name=op.f('ck_escrow_payers_refunded')),
    sa.ForeignKeyConstraint(['account'], ['accounts.id'], name=op.f('fk_escrow_payers_account')),
    sa.ForeignKeyConstraint(['escrow'], ['escrows.id'], name=op.f('fk_escrow_payers_escrow')),
    sa.PrimaryKeyConstraint('escrow', 'account', name=op.f('pk_escrow_payers'))
    )
    with op.batch_alter_table('escrow_payers', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_escrow_payers_account'), ['account'], unique=False)

    op.create_table('escrow_slots',
    sa.Column('escrow', sa.String(), nullable=False),
    sa.Column('slot', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('state', sa.String(), nullable=False),
    sa.Column('contributor', sa.String(), nullable=True),
    sa.Column('moved_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("(state = 'held') = (moved_at IS NULL)", name=op.f('ck_escrow_slots_moved_at')),
    sa.CheckConstraint("(state = 'released') = (contributor IS NOT NULL)", name=op.f('ck_escrow_slots_contributor')),
    sa.CheckConstraint("state IN ('held', 'released', 'refunded')", name=op.f('ck_escrow_slots_state')),
    sa.ForeignKeyConstraint(['contributor'], ['accounts.id'], name=op.f('fk_escrow_slots_contributor')),
    sa.ForeignKeyConstraint(['escrow'], ['escrows.id'], name=op.f('fk_escrow_slots_escrow')),
    sa.PrimaryKeyConstraint('escrow', 'slot', name=op.f('pk_escrow_slots'))
    )
    op.create_table('ledger_transfers',
    sa.Column('posting', sa.String(), nullable=False),
    sa.Column('leg', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('source', sa.String(), nullable=False),
    sa.Column('target', sa.String(), nullable=False),
    sa.Column('amount', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.CheckConstraint('amount > 0', name=op.f('ck_ledger_transfers_amount')),
    sa.CheckConstraint('source <> target', name=op.f('ck_ledger_transfers_two_accounts')),
    sa.ForeignKeyConstraint(['posting'], ['ledger_postings.key'], name=op.f('fk_ledger_transfers_posting')),
    sa.ForeignKeyConstraint(['source'], ['ledger_accounts.id'], name=op.f('fk_ledger_transfers_source')),
    sa.ForeignKeyConstraint(['target'], ['ledger_accounts.id'], name=op.f('fk_ledger_transfers_target')),
    sa.PrimaryKeyConstraint('posting', 'leg', name=op.f('pk_ledger_transfers'))
    )
    op.create_table('maturities',
    sa.Column('posting', sa.String(), nullable=False),
    sa.Column('contributor', sa.String(), nullable=False),
    sa.Column('amount', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('matures_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('matured_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint('amount > 0', name=op.f('ck_maturities_amount')),
    sa.ForeignKeyConstraint(['contributor'], ['accounts.id'], name=op.f('fk_maturities_contributor')),
    sa.ForeignKeyConstraint(['posting'], ['ledger_postings.key'], name=op.f('fk_maturities_posting')),
    sa.PrimaryKeyConstraint('posting', name=op.f('pk_maturities'))
    )
    with op.batch_alter_table('maturities', schema=None) as batch_op:
        batch_op.create_index('ix_maturities_due', ['matured_at', 'matures_at'], unique=False)

    op.create_table('provider_operations',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('account', sa.String(), nullable=False),
    sa.Column('amount', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('rail', sa.String(), nullable=False),
    sa.Column('status', sa.String(), nullable=False),
    sa.Column('attempts', sa.Integer(), nullable=False),
    sa.Column('reference', sa.String(), nullable=True),
    sa.Column('reason', sa.String(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('sent_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('due_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('woken_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("kind IN ('deposit', 'payout')", name=op.f('ck_provider_operations_kind')),
    sa.CheckConstraint("status IN ('new', 'sent', 'unknown', 'done', 'failed')", name=op.f('ck_provider_operations_status')),
    sa.CheckConstraint('amount > 0', name=op.f('ck_provider_operations_amount')),
    sa.ForeignKeyConstraint(['account'], ['accounts.id'], name=op.f('fk_provider_operations_account')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_provider_operations'))
    )
    with op.batch_alter_table('provider_operations', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_provider_operations_account'), ['account'], unique=False)
        batch_op.create_index('ix_provider_operations_due', ['status', 'due_at'], unique=False)

    op.create_table('ledger_entries',
    sa.Column('account', sa.String(), nullable=False),
    sa.Column('version', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=False, nullable=False),
    sa.Column('posting', sa.String(), nullable=False),
    sa.Column('leg', sa.Integer(), nullable=False),
    sa.Column('amount', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('balance_before', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('balance_after', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.CheckConstraint('balance_after = balance_before + amount', name=op.f('ck_ledger_entries_chain')),
    sa.CheckConstraint('version > 0', name=op.f('ck_ledger_entries_version')),
    sa.ForeignKeyConstraint(['account'], ['ledger_accounts.id'], name=op.f('fk_ledger_entries_account')),
    sa.ForeignKeyConstraint(['posting', 'leg'], ['ledger_transfers.posting', 'ledger_transfers.leg'], name=op.f('fk_ledger_entries_posting_leg')),
    sa.PrimaryKeyConstraint('account', 'version', name=op.f('pk_ledger_entries')),
    sa.UniqueConstraint('posting', 'leg', 'account', name=op.f('uq_ledger_entries_posting_leg_account'))
    )
    op.create_table('slots',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('bounty', sa.String(), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('status', sa.String(), nullable=False),
    sa.ForeignKeyConstraint(['bounty'], ['bounties.id'], name=op.f('fk_slots_bounty')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_slots')),
    sa.UniqueConstraint('bounty', 'number', name=op.f('uq_slots_bounty_number'))
    )
    with op.batch_alter_table('slots', schema=None) as batch_op:
        batch_op.create_index('ix_slots_bounty_status', ['bounty', 'status'], unique=False)

    op.create_table('spend_days',
    sa.Column('key', sa.String(), nullable=False),
    sa.Column('day', sa.String(), nullable=False),
    sa.Column('spent', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.ForeignKeyConstraint(['key'], ['api_keys.id'], name=op.f('fk_spend_days_key')),
    sa.PrimaryKeyConstraint('key', 'day', name=op.f('pk_spend_days'))
    )
    op.create_table('claims',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('bounty', sa.String(), nullable=False),
    sa.Column('slot', sa.String(), nullable=False),
    sa.Column('account', sa.String(), nullable=False),
    sa.Column('device', sa.String(), nullable=False),
    sa.Column('status', sa.String(), nullable=False),
    sa.Column('nonce', sa.String(), nullable=False),
    sa.Column('code', sa.String(), nullable=False),
    sa.Column('issued_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('deadline', sa.DateTime(timezone=True), nullable=False),
    sa.Column('commitment', sa.String(), nullable=True),
    sa.Column('commitment_signature', sa.LargeBinary(), nullable=True),
    sa.Column('committed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('media_sha256', sa.String(), nullable=True),
    sa.Column('media_type', sa.String(), nullable=True),
    sa.Column('media_size', sa.Integer(), nullable=True),
    sa.Column('deliveries', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['account'], ['accounts.id'], name=op.f('fk_claims_account')),
    sa.ForeignKeyConstraint(['bounty'], ['bounties.id'], name=op.f('fk_claims_bounty')),
    sa.ForeignKeyConstraint(['device'], ['devices.id'], name=op.f('fk_claims_device')),
    sa.ForeignKeyConstraint(['slot'], ['slots.id'], name=op.f('fk_claims_slot')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_claims')),
    sa.UniqueConstraint('nonce', name=op.f('uq_claims_nonce'))
    )
    with op.batch_alter_table('claims', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_claims_account'), ['account'], unique=False)
        batch_op.create_index(batch_op.f('ix_claims_bounty'), ['bounty'], unique=False)
        batch_op.create_index('ix_claims_status_deadline', ['status', 'deadline'], unique=False)
        batch_op.create_index('uq_claims_active', ['bounty', 'account'], unique=True, sqlite_where=sa.text("status = 'active'"), postgresql_where=sa.text("status = 'active'"))

    op.create_table('captures',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('order', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('claim', sa.String(), nullable=False),
    sa.Column('bounty', sa.String(), nullable=False),
    sa.Column('account', sa.String(), nullable=False),
    sa.Column('status', sa.String(), nullable=False),
    sa.Column('statement', sa.String(), nullable=False),
    sa.Column('signature', sa.LargeBinary(), nullable=False),
    sa.Column('answer', sa.JSON(none_as_null=True), nullable=False),
    sa.Column('submitted_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('remembered_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('due_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('attempts', sa.Integer(), nullable=False),
    sa.Column('judged_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('reasons', sa.JSON(), nullable=False),
    sa.Column('report', sa.JSON(none_as_null=True), nullable=True),
    sa.Column('paid', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.CheckConstraint("(paid IS NULL) OR (status = 'accepted')", name=op.f('ck_captures_paid')),
    sa.ForeignKeyConstraint(['account'], ['accounts.id'], name=op.f('fk_captures_account')),
    sa.ForeignKeyConstraint(['bounty'], ['bounties.id'], name=op.f('fk_captures_bounty')),
    sa.ForeignKeyConstraint(['claim'], ['claims.id'], name=op.f('fk_captures_claim')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_captures')),
    sa.UniqueConstraint('claim', name=op.f('uq_captures_claim')),
    sa.UniqueConstraint('order', name=op.f('uq_captures_order'))
    )
    with op.batch_alter_table('captures', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_captures_account'), ['account'], unique=False)
        batch_op.create_index(batch_op.f('ix_captures_bounty'), ['bounty'], unique=False)
        batch_op.create_index('ix_captures_status_due', ['status', 'due_at'], unique=False)

    op.create_table('stream_parts',
    sa.Column('claim', sa.String(), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('payload', sa.String(), nullable=False),
    sa.Column('signature', sa.LargeBinary(), nullable=False),
    sa.Column('readings', sa.Integer(), nullable=False),
    sa.Column('last_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('received_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['claim'], ['claims.id'], name=op.f('fk_stream_parts_claim')),
    sa.PrimaryKeyConstraint('claim', 'number', name=op.f('pk_stream_parts'))
    )
    op.create_table('media',
    sa.Column('capture', sa.String(), nullable=False),
    sa.Column('sha256', sa.String(), nullable=False),
    sa.Column('role', sa.String(), nullable=False),
    sa.Column('media_type', sa.String(), nullable=False),
    sa.Column('size', sa.Integer(), nullable=False),
    sa.Column('width', sa.Integer(), nullable=True),
    sa.Column('height', sa.Integer(), nullable=True),
    sa.ForeignKeyConstraint(['capture'], ['captures.id'], name=op.f('fk_media_capture')),
    sa.PrimaryKeyConstraint('capture', 'sha256', name=op.f('pk_media'))
    )
    op.create_table('observations',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('capture', sa.String(), nullable=False),
    sa.Column('bounty', sa.String(), nullable=False),
    sa.Column('account', sa.String(), nullable=False),
    sa.Column('receipt', sa.String(), nullable=False),
    sa.Column('leaf', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['account'], ['accounts.id'], name=op.f('fk_observations_account')),
    sa.ForeignKeyConstraint(['bounty'], ['bounties.id'], name=op.f('fk_observations_bounty')),
    sa.ForeignKeyConstraint(['capture'], ['captures.id'], name=op.f('fk_observations_capture')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_observations')),
    sa.UniqueConstraint('capture', name=op.f('uq_observations_capture'))
    )
    with op.batch_alter_table('observations', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_observations_account'), ['account'], unique=False)
        batch_op.create_index(batch_op.f('ix_observations_bounty'), ['bounty'], unique=False)
    for statement in triggers.create(op.get_bind().dialect.name):
        op.execute(statement)


def downgrade() -> None:
    for statement in triggers.drop(op.get_bind().dialect.name):
        op.execute(statement)
    with op.batch_alter_table('observations', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_observations_bounty'))
        batch_op.drop_index(batch_op.f('ix_observations_account'))

    op.drop_table('observations')
    op.drop_table('media')
    op.drop_table('stream_parts')
    with op.batch_alter_table('captures', schema=None) as batch_op:
        batch_op.drop_index('ix_captures_status_due')
        batch_op.drop_index(batch_op.f('ix_captures_bounty'))
        batch_op.drop_index(batch_op.f('ix_captures_account'))

    op.drop_table('captures')
    with op.batch_alter_table('claims', schema=None) as batch_op:
        batch_op.drop_index('uq_claims_active', sqlite_where=sa.text("status = 'active'"), postgresql_where=sa.text("status = 'active'"))
        batch_op.drop_index('ix_claims_status_deadline')
        batch_op.drop_index(batch_op.f('ix_claims_bounty'))
        batch_op.drop_index(batch_op.f('ix_claims_account'))

    op.drop_table('claims')
    op.drop_table('spend_days')
    with op.batch_alter_table('slots', schema=None) as batch_op:
        batch_op.drop_index('ix_slots_bounty_status')

    op.drop_table('slots')
    op.drop_table('ledger_entries')
    with op.batch_alter_table('provider_operations', schema=None) as batch_op:
        batch_op.drop_index('ix_provider_operations_due')
        batch_op.drop_index(batch_op.f('ix_provider_operations_account'))

    op.drop_table('provider_operations')
    with op.batch_alter_table('maturities', schema=None) as batch_op:
        batch_op.drop_index('ix_maturities_due')

    op.drop_table('maturities')
    op.drop_table('ledger_transfers')
    op.drop_table('escrow_slots')
    with op.batch_alter_table('escrow_payers', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_escrow_payers_account'))

    op.drop_table('escrow_payers')
    with op.batch_alter_table('devices', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_devices_account'))

    op.drop_table('devices')
    with op.batch_alter_table('bounties', schema=None) as batch_op:
        batch_op.drop_index('ix_bounties_status_closes_at')
        batch_op.drop_index('ix_bounties_status_cell')
        batch_op.drop_index(batch_op.f('ix_bounties_account'))

    op.drop_table('bounties')
    with op.batch_alter_table('api_keys', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_api_keys_account'))

    op.drop_table('api_keys')
    op.drop_table('sandbox_book')
    op.drop_table('remembered_calls')
    with op.batch_alter_table('remembered', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_remembered_media_sha256'))
        batch_op.drop_index(batch_op.f('ix_remembered_cell_order'))
        batch_op.drop_index(batch_op.f('ix_remembered_bounty_order'))
        batch_op.drop_index(batch_op.f('ix_remembered_account_order'))

    op.drop_table('remembered')
    op.drop_table('log_tiles')
    with op.batch_alter_table('log_leaves', schema=None) as batch_op:
        batch_op.drop_index('ix_log_leaves_unsequenced', postgresql_where=sa.text('leaf_index IS NULL'), sqlite_where=sa.text('leaf_index IS NULL'))

    op.drop_table('log_leaves')
    op.drop_table('log_checkpoints')
    op.drop_table('ledger_postings')
    op.drop_table('ledger_accounts')
    with op.batch_alter_table('history', schema=None) as batch_op:
        batch_op.drop_index('ix_history_tenant_seq')
        batch_op.drop_index('ix_history_subject')

    op.drop_table('history')
    op.drop_table('escrows')
    op.drop_table('counters')
    op.drop_table('accounts')
