"""Passkeys, links to accounts at an OpenID provider and used challenges: countenance.mandates.sign_ins, .accounts."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    op.create_table(
        "console_passkeys",
        sa.Column("passkey_id", sa.String(64), primary_key=True),
        sa.Column("operator_id", sa.String(64), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("credential_id", sa.String(1400), nullable=False, unique=True),
        sa.Column("public_key", sa.LargeBinary, nullable=False),
        sa.Column("uses", sa.BigInteger, nullable=False),
        sa.Column("made_at", sa.String(40), nullable=False),
    )
    op.create_index("console_passkeys_of_operator", "console_passkeys", ["operator_id", "made_at"])
    op.create_table(
        "console_links",
        sa.Column("operator_id", sa.String(64), primary_key=True),
        sa.Column("issuer", sa.String(255), nullable=False),
        sa.Column("subject", sa.String(255), nullable=False),
        sa.Column("made_at", sa.String(40), nullable=False),
        sa.UniqueConstraint("issuer", "subject", name="one_operator_per_account"),
    )
    op.create_table(
        "console_challenges",
        sa.Column("challenge", sa.String(64), primary_key=True),
        sa.Column("expires_at", sa.String(40), nullable=False),
    )
    op.add_column("console_sessions", sa.Column("proven_by", sa.String(16), nullable=False, server_default="password"))
