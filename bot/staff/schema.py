"""The tables of the workshop, and the numbered steps that bring an older database up to date.

Times are seconds since 1970 (UTC); ``day`` is the civil date in Paris, so that every database groups days the same way.

To change the schema: edit the tables here, then append one function to :data:`MIGRATIONS`. A migration must do nothing
when its change is already there, because a new database gets the tables of today first.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    inspect,
    text,
)
from sqlalchemy.engine import Connection

metadata = MetaData()
_ID = BigInteger().with_variant(Integer, "sqlite")

schema_version = Table(
    "schema_version", metadata, Column("version", Integer, primary_key=True), Column("applied_at", Float, nullable=False)
)

turns = Table(
    "turns",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("at", Float, nullable=False),
    Column("day", String(10), nullable=False, index=True),
    Column("kind", String(20), nullable=False),
    Column("dis", String(64)),
    Column("service", String(64)),
    Column("topic", String(96)),
    Column("doors", Text, nullable=False),
    Column("door_count", Integer, nullable=False),
    Column("alternatives", Text, nullable=False),
    Column("confidence", Float),
    Column("arrondissement", String(40)),
    Column("engine", String(20), nullable=False),
    Column("profile", String(20)),
    Column("channel", String(20), nullable=False),
    Column("pressed", Boolean, nullable=False),
    Column("conversation", String(32), nullable=False),
    Column("seconds", Float),
    Column("group_id", _ID, index=True),
    Column("text", Text),
)

votes = Table(
    "votes",
    metadata,
    Column("answer", String(32), primary_key=True),
    Column("at", Float, nullable=False),
    Column("day", String(10), nullable=False, index=True),
    Column("helpful", Boolean, nullable=False),
    Column("reason", String(40)),
    Column("comment", Text),
)

groups = Table(
    "groups",
    metadata,
    Column("id", _ID, primary_key=True, autoincrement=True),
    Column("key", String(40), nullable=False, unique=True),
    Column("signature", LargeBinary, nullable=False),
    Column("text", Text),
    Column("state", String(12), nullable=False, index=True),
    Column("count", Integer, nullable=False),
    Column("down", Integer, nullable=False),
    Column("doubt", Float, nullable=False),
    Column("novelty", Float),
    Column("gain", Float, nullable=False),
    Column("suggestions", Text, nullable=False),
    Column("nearest", Text, nullable=False),
    Column("first_at", Float, nullable=False),
    Column("last_at", Float, nullable=False),
    Column("topic", String(96)),
    Column("labelled_by", String(64)),
    Column("labelled_at", Float),
    Column("confirmed_by", String(64)),
    Column("confirmed_at", Float),
    Column("written", Boolean, nullable=False),
    Column("variants", Text),  # keys of the wordings that wait with it for a second reader: no words
)

bands = Table(
    "bands",
    metadata,
    Column("band", BigInteger, primary_key=True, autoincrement=False),
    Column("group_id", _ID, primary_key=True, autoincrement=False),
)
"""Locality-sensitive hashing of the groups: two texts that are alike share a band (see ``similarity``)."""

labels = Table(
    "labels",
    metadata,
    Column("id", _ID, primary_key=True, autoincrement=True),
    Column("group_id", _ID, nullable=False, index=True),
    Column("at", Float, nullable=False),
    Column("author", String(64), nullable=False),
    Column("action", String(12), nullable=False),
    Column("topic", String(96)),
)

accounts = Table(
    "accounts",
    metadata,
    Column("id", _ID, primary_key=True, autoincrement=True),
    Column("name", String(64), nullable=False, unique=True),
    Column("role", String(16), nullable=False),
    Column("password", String(255), nullable=False),
    Column("active", Boolean, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("tour", Integer, nullable=False),
)

web_sessions = Table(
    "web_sessions",
    metadata,
    Column("token", String(64), primary_key=True),
    Column("account_id", _ID, nullable=False, index=True),
    Column("csrf", String(64), nullable=False),
    Column("created_at", Float, nullable=False),
    Column("seen_at", Float, nullable=False),
    Column("flashes", Text, nullable=False),
)

attempts = Table(
    "attempts",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("last_at", Float, nullable=False),
)

audit = Table(
    "audit",
    metadata,
    Column("id", _ID, primary_key=True, autoincrement=False),
    Column("at", Float, nullable=False),
    Column("actor", String(64), nullable=False, index=True),
    Column("action", String(40), nullable=False, index=True),
    Column("target", String(200), nullable=False),
    Column("details", Text, nullable=False),
    Column("previous", String(64), nullable=False),
    Column("digest", String(64), nullable=False),
    UniqueConstraint("previous"),
)

switches = Table(
    "switches",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("value", Text, nullable=False),
    Column("at", Float, nullable=False),
    Column("author", String(64), nullable=False),
)

trainings = Table(
    "trainings",
    metadata,
    Column("id", _ID, primary_key=True, autoincrement=True),
    Column("created_at", Float, nullable=False),
    Column("author", String(64), nullable=False),
    Column("state", String(12), nullable=False, index=True),
    Column("part", Float, nullable=False),
    Column("message", Text, nullable=False),
    Column("candidate", String(16)),
    Column("started_at", Float),
    Column("ended_at", Float),
)

Index("turns_day_kind", turns.c.day, turns.c.kind)
Index("turns_at", turns.c.at)
Index("groups_state_gain", groups.c.state, groups.c.gain)


def _first(connection: Connection) -> None:
    metadata.create_all(connection)


def _trainings(connection: Connection) -> None:
    metadata.create_all(connection, tables=[trainings])


def _variants(connection: Connection) -> None:
    if all(column["name"] != "variants" for column in inspect(connection).get_columns("groups")):
        connection.execute(text("ALTER TABLE groups ADD COLUMN variants TEXT"))


MIGRATIONS: tuple[Callable[[Connection], None], ...] = (_first, _trainings, _variants)
"""Applied in order; the version of a database is how many were."""
