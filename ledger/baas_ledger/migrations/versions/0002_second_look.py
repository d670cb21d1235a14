"""What came of looking at finished pictures again."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add three numbers to an image's fate; what was finished before has none."""
    for name in ("second_looks", "found_later", "residuals"):
        op.add_column("images", sa.Column(name, sa.Integer))
