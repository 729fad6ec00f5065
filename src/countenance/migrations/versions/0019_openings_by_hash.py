"""Find openings by a hash of their value on PostgreSQL, whose B-tree holds no value of more than 2,704 bytes."""

from alembic import op

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.drop_index("ledger_openings_by_value", "ledger_openings")
        op.create_index("ledger_openings_by_value", "ledger_openings", ["value"], postgresql_using="hash")
