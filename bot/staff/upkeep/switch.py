"""The off switch: a "phone only" mode and a public banner, the same for every process within two seconds.

The state is in the database; each process follows it with a :class:`bot.staff.upkeep.notice.Switch`.
"""

from __future__ import annotations

import json
import time

from sqlalchemy import delete, select

from bot.base.errors import SwitchError
from bot.language.privacy import holds_personal_data
from bot.staff.accounts import audit
from bot.staff.schema import switches
from bot.staff.storage import Storage
from bot.staff.upkeep.notice import Notice

LONGEST_BANNER = 280
_NAME = "public"


def read_notice(storage: Storage) -> Notice:
    """Return the state in the database."""
    with storage.read() as connection:
        row = connection.execute(select(switches).where(switches.c.name == _NAME)).first()
    if row is None:
        return Notice()
    values = json.loads(row.value)
    return Notice(bool(values.get("phone_only")), str(values.get("banner") or ""), row.author, row.at)


def write_notice(storage: Storage, phone_only: bool, banner: str, author: str) -> Notice:
    """Change the state, and journal what changed.

    Args:
        storage: the database.
        phone_only: the mode.
        banner: a sentence, or empty.
        author: account.

    Raises:
        SwitchError: the banner is too long, or holds something personal.
    """
    banner = " ".join(banner.split())
    if len(banner) > LONGEST_BANNER:
        raise SwitchError(f"Le bandeau est trop long : {len(banner)} caractères, {LONGEST_BANNER} au plus.")
    if holds_personal_data(banner):
        raise SwitchError("Le bandeau semble contenir une donnée personnelle ou un numéro. Les numéros sont dans les guichets.")
    before = read_notice(storage)
    notice = Notice(phone_only, banner, author, time.time())
    with storage.write() as connection:
        value = json.dumps({"phone_only": phone_only, "banner": banner}, ensure_ascii=False)
        connection.execute(delete(switches).where(switches.c.name == _NAME))
        connection.execute(switches.insert().values(name=_NAME, value=value, at=notice.at, author=author))
        if before.phone_only != phone_only:
            audit.record(connection, author, "mode", "téléphone seulement" if phone_only else "normal")
        if before.banner != banner:
            audit.record(connection, author, "bandeau", "", {"texte": banner or "(retiré)"})
    return notice
