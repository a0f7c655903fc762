"""When an answer was last saved: one of a machine that is gone for ever is known by it."""

from alembic import op

from workbench.chat.database import SAVED

revision = "7"
down_revision = "6"


def upgrade() -> None:
    op.execute(SAVED)
