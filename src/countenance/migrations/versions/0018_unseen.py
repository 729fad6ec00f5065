"""How much of each enrolled face is not to be seen (countenance.faces.Template.unseen); 0 for those enrolled before, of
whom it is not known.
"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    op.add_column("faces", sa.Column("unseen", sa.Double, nullable=False, server_default="0"))
