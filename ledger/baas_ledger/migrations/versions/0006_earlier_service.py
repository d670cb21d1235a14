"""What was imported from the earlier service, and views that have the names and columns of its tables.

docs/reference/earlier-tables.md tells where each column comes from. The views are unions of one piece for each state:
whoever asks for one state, run or image has the others left out by the planner, and an index serves the piece. Their
joins are CROSS JOINs since SQLite then begins with the few runs; to PostgreSQL it is all the same.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0006"
down_revision = "0005"

NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")
JSON = sa.JSON().with_variant(JSONB, "postgresql")
NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
MOMENT = sa.DateTime(timezone=True)

# What each database says in its own words: a moment without time zone (of UTC), now, and whose run it is.
WORDS = {
    "postgresql": {
        "moment": "({} AT TIME ZONE 'UTC')",
        "now": "now()",
        "customer": "coalesce(split_part(r.configuration ->> 'blurjob', '/', 1), r.source)",
        "text": "CAST({} AS text)",
    },
    "sqlite": {
        "moment": "{}",
        "now": "strftime('%Y-%m-%d %H:%M:%f', 'now')",
        "customer": (
            "coalesce(substr(json_extract(r.configuration, '$.blurjob'), 1,"
            " instr(json_extract(r.configuration, '$.blurjob'), '/') - 1), r.source)"
        ),
        "text": "{}",
    },
}
# An image has fewer detections than this, so that its number and theirs make one.
ROOM = 100_000


def upgrade() -> None:
    """Make three tables and three views."""
    _tables()
    words = WORDS[op.get_bind().dialect.name]
    op.execute(_processing_status(words))
    op.execute(_detection_information(words))
    op.execute(_batch_run_information(words))


def _tables() -> None:
    op.create_table(
        "earlier_imports",
        sa.Column("id", NAME, nullable=False),
        sa.Column("destination", sa.Text, nullable=False),
        sa.Column("origin", sa.Text, nullable=False),
        sa.Column("customer", sa.Text, nullable=False),
        sa.Column("below", sa.Text, nullable=False),
        sa.Column("redo_without_boxes", sa.Boolean, nullable=False),
        sa.Column("begun_at", MOMENT, nullable=False),
        sa.Column("finished_at", MOMENT),
        sa.Column("last_name", NAME),
        sa.Column("counts", JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_earlier_imports"),
    )
    op.create_table(
        "earlier_images",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("import_id", NAME, nullable=False),
        sa.Column("name", NAME, nullable=False),
        sa.Column("filename", NAME, nullable=False),
        sa.Column("uploaded_at", MOMENT, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("boxes", sa.Integer, nullable=False),
        sa.Column("width_px", sa.Integer),
        sa.Column("height_px", sa.Integer),
        sa.Column("seen_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_earlier_images"),
        sa.ForeignKeyConstraint(["import_id"], ["earlier_imports.id"], name="fk_earlier_images_import_id"),
        sa.UniqueConstraint("import_id", "name", name="uq_earlier_images_import_id_name"),
        sa.CheckConstraint("state IN ('finished', 'pending', 'unknown')", name="ck_earlier_images_state"),
        sa.CheckConstraint("boxes >= 0", name="ck_earlier_images_not_negative"),
    )
    op.create_index("ix_earlier_images_filename", "earlier_images", ["filename"])
    op.create_table(
        "earlier_detections",
        sa.Column("image_id", NUMBER, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("object_class", sa.Text, nullable=False),
        sa.Column("score", sa.Double),
        sa.Column("x", sa.Double, nullable=False),
        sa.Column("y", sa.Double, nullable=False),
        sa.Column("width", sa.Double, nullable=False),
        sa.Column("height", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("image_id", "number", name="pk_earlier_detections"),
        sa.ForeignKeyConstraint(["image_id"], ["earlier_images.id"], name="fk_earlier_detections_image_id"),
        sa.CheckConstraint("object_class IN ('person', 'licence_plate')", name="ck_earlier_detections_object_class"),
        sa.CheckConstraint("x >= 0 AND x < 1 AND y >= 0 AND y < 1", name="ck_earlier_detections_corner_is_inside"),
        sa.CheckConstraint(
            "width >= 0 AND width <= 1 AND height >= 0 AND height <= 1", name="ck_earlier_detections_size_is_a_share"
        ),
    )


def _processing_status(words: dict[str, str]) -> str:
    # Each condition is that of a partial index, where there is one.
    conditions = (
        ("processed", "i.state = 'published' AND i.finished_at IS NOT NULL"),
        ("inprogress", f"i.state = 'leased' AND i.lease_until > {words['now']}"),
        ("pending", f"i.state = 'leased' AND i.lease_until <= {words['now']}"),
        ("pending", "i.state = 'pending'"),
        ("quarantined", "i.state = 'quarantined'"),
        ("excluded", "i.state = 'excluded'"),
    )
    pieces = [
        f"""
        SELECT {words["customer"]} AS image_customer_name,
               {words["moment"].format("r.created_at")} AS image_upload_date,
               i.name AS image_filename,
               {_literal(words, status)} AS processing_status
          FROM runs AS r CROSS JOIN images AS i
         WHERE i.run_id = r.id AND {condition}"""  # noqa: S608 - all of it stands in this file
        for status, condition in conditions
    ]
    earlier = f"""
        SELECT p.customer, {words["moment"].format("e.uploaded_at")}, e.filename, {_literal(words, "processed")}
          FROM earlier_imports AS p CROSS JOIN earlier_images AS e
         WHERE e.import_id = p.id AND e.state = 'finished'"""  # noqa: S608
    return "CREATE VIEW image_processing_status AS" + "\n         UNION ALL".join([*pieces, earlier])


def _detection_information(words: dict[str, str]) -> str:
    whose = f"""
               {words["customer"]} AS image_customer_name,
               {words["moment"].format("r.created_at")} AS image_upload_date,
               i.name AS image_filename"""
    size = "i.width_px AS image_width, i.height_px AS image_height, r.id AS run_id"
    theirs = f"""
               p.customer, {words["moment"].format("e.uploaded_at")}, e.filename"""
    their_size = "e.width_px, e.height_px, 'earlier:' || p.id"
    none = "FALSE, NULL, NULL, NULL, NULL, NULL"
    from_images, of_run = "FROM runs AS r CROSS JOIN images AS i", "i.run_id = r.id AND i.state = 'published'"
    from_earlier = "FROM earlier_imports AS p CROSS JOIN earlier_images AS e"
    of_import = "e.import_id = p.id AND e.state = 'finished'"
    return f"""CREATE VIEW detection_information AS
        SELECT CAST(i.id AS bigint) * {ROOM} + d.number AS id,{whose},
               TRUE AS has_detection, {_class_and_box()}, {size}, d.score AS conf_score
          {from_images} CROSS JOIN detections AS d
         WHERE {of_run} AND d.image_id = i.id
         UNION ALL
        SELECT CAST(i.id AS bigint) * {ROOM},{whose},
               {none}, {size}, NULL
          {from_images}
         WHERE {of_run} AND i.finished_at IS NOT NULL AND i.persons = 0 AND i.licence_plates = 0
         UNION ALL
        SELECT -(CAST(e.id AS bigint) * {ROOM} + d.number),{theirs},
               TRUE, {_class_and_box()}, {their_size}, d.score
          {from_earlier} CROSS JOIN earlier_detections AS d
         WHERE {of_import} AND d.image_id = e.id
         UNION ALL
        SELECT -(CAST(e.id AS bigint) * {ROOM}),{theirs},
               {none}, {their_size}, NULL
          {from_earlier}
         WHERE {of_import} AND e.boxes = 0"""


def _class_and_box() -> str:
    # The centre of a box across the seam lies on either side of it.
    centre = "d.x + d.width / 2"
    return f"""CASE d.object_class WHEN 'person' THEN 0 ELSE 1 END AS class_id,
               {centre} - CASE WHEN {centre} >= 1 THEN 1 ELSE 0 END AS x_norm,
               d.y + d.height / 2 AS y_norm, d.width AS w_norm, d.height AS h_norm"""


def _batch_run_information(words: dict[str, str]) -> str:
    refused = """(SELECT sum(c.images) FROM run_counts AS c
                     WHERE c.run_id = r.id AND c.state = 'quarantined')"""
    return f"""CREATE VIEW batch_run_information AS
        SELECT r.id AS run_id,
               {words["moment"].format("r.created_at")} AS start_time,
               {words["moment"].format("r.finished_at")} AS end_time,
               r.model_digest AS trained_yolo_model,
               CASE r.state WHEN 'finished' THEN TRUE WHEN 'abandoned' THEN FALSE END AS success,
               CASE WHEN r.state = 'abandoned' THEN 'Abandoned'
                    WHEN {refused} > 0 THEN {refused} || ' quarantined' END AS error_code
          FROM runs AS r"""  # noqa: S608


def _literal(words: dict[str, str], value: str) -> str:
    return words["text"].format(f"'{value}'")
