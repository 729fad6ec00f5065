"""The order of case records as numbers, and pictures that wait for their search where every process finds them:
countenance.casework.records, .waiting.
"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"

_NUMBERED = """
UPDATE casework_records SET number = ordered.place FROM (
  SELECT kind, record_id, ROW_NUMBER() OVER (PARTITION BY kind ORDER BY made_at, {written}) - 1 AS place
  FROM casework_records
) AS ordered
WHERE ordered.kind = casework_records.kind AND ordered.record_id = casework_records.record_id
"""


def upgrade() -> None:
    op.add_column("casework_records", sa.Column("number", sa.BigInteger, nullable=False, server_default="-1"))
    written = "ctid" if op.get_bind().dialect.name == "postgresql" else "rowid"
    op.execute(_NUMBERED.format(written=written))
    op.create_index("casework_records_by_number", "casework_records", ["kind", "number"], unique=True)
    op.drop_index("casework_records_of_parent", "casework_records")
    op.create_index("casework_records_of_parent", "casework_records", ["kind", "parent", "number"])
    op.create_table(
        "casework_waiting",
        sa.Column("picture", sa.LargeBinary(32), primary_key=True),
        sa.Column("kept_at", sa.String(40), nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
    )
    op.create_index("casework_waiting_by_time", "casework_waiting", ["kept_at"])
