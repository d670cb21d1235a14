"""The index that claims take images from gives an order that no other gives."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Make the index anew. What waits has no lease, so that the order is still that of the plan."""
    op.drop_index("ix_images_pending", "images")
    where = sa.text("state = 'pending'")
    columns = ["run_id", "lease_until", "id"]
    op.create_index("ix_images_pending", "images", columns, postgresql_where=where, sqlite_where=where)
