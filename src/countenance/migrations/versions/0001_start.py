"""An empty database; every later migration belongs to one package."""

revision = "0001"
down_revision = None


def upgrade() -> None:
    pass
