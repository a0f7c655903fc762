"""Keys of the HTTP API lie with the people they belong to: each server of a team knows them."""

from alembic import op

from workbench.accounts.database import KEYS

revision = "2"
down_revision = "1"


def upgrade() -> None:
    op.execute(KEYS)
