"""When an answer was last saved: one of a machine that is gone for ever is known by it."""

from alembic import op

revision = "7"
down_revision = "6"


def upgrade() -> None:
    op.execute("alter table messages add column saved double precision not null default 0")
