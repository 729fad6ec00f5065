"""How much of each enrolled face its picture cuts off (countenance.faces.DetectedFace.cut_off); 0 for those enrolled
before, of whom it is not known.
"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    op.add_column("faces", sa.Column("cut_off", sa.Double, nullable=False, server_default="0"))
