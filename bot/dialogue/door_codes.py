"""The code a person carries away: ten characters that name a door, a commune and needs, and nothing of the person.

Nothing is kept on the server: a code is read again with the referential alone, on paper or offline, for as long as its topic lives.
"""

from __future__ import annotations

import hashlib
import string
from collections.abc import Iterable
from dataclasses import dataclass

from bot.base.errors import DoorCodeError
from bot.referential import Referential

ALPHABET = string.digits + "ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32 (https://www.crockford.com/base32.html): no I, L, O or U."""
LENGTH = 10
_READ_AS = str.maketrans("OIL", "011", " \u00a0-\u2010\u2011\u2013.")
_TOPIC, _COMMUNE, _NEEDS = 25, 10, 10
"""Bits of each part; the tenth character is a check."""
MISTYPED = "Ce code a une faute : il a dix lettres ou chiffres. Vérifiez-le, ou demandez à la personne ce qu'elle veut faire."
UNKNOWN = "Ce code est bien écrit, mais sa démarche n'existe plus. Demandez à la personne ce qu'elle veut faire."


@dataclass(frozen=True)
class CarriedDoor:
    """What a code says.

    Args:
        topic: its id today.
        commune: Insee code, empty when the door does not depend on it.
        needs: ids of what the person said they cannot do.
    """

    topic: str
    commune: str = ""
    needs: tuple[str, ...] = ()


def door_code(topic: str, commune: str = "", needs: int = 0) -> str:
    """Return the code of a door.

    Args:
        topic: its id.
        commune: Insee code in the Lot, or "".
        needs: one bit for each need, by its ``numero``.
    """
    within = int(commune[2:]) if commune else 0
    value = (_fingerprint(topic) << (_COMMUNE + _NEEDS)) | (within << _NEEDS) | needs
    digits = [value >> shift & 31 for shift in range(40, -1, -5)]
    return "".join(ALPHABET[digit] for digit in (*digits, _check(digits)))


def read_door_code(code: str, referential: Referential) -> CarriedDoor:
    """Return what a code says, however it was typed: small letters, spaces, O for 0.

    Raises:
        DoorCodeError: it is mistyped, or its topic is no more.
    """
    plain = code.upper().translate(_READ_AS)
    digits = [ALPHABET.find(character) for character in plain]
    if len(digits) != LENGTH or -1 in digits or _check(digits[:-1]) != digits[-1]:
        raise DoorCodeError(MISTYPED)
    value = sum(digit << shift for digit, shift in zip(digits[:-1], range(40, -1, -5), strict=True))
    sought = value >> (_COMMUNE + _NEEDS)
    former = referential.aliases
    topic = next((former.get(name, name) for name in (*referential.topics, *former) if _fingerprint(name) == sought), None)
    if topic is None:
        raise DoorCodeError(UNKNOWN)
    within = value >> _NEEDS & (1 << _COMMUNE) - 1
    needs = tuple(need.id for need in referential.needs.values() if value >> need.numero & 1)
    return CarriedDoor(topic, f"46{within:03d}" if within else "", needs)


def clashes(referential: Referential) -> list[tuple[str, str]]:
    """Return the topics, former names included, whose codes could not be told apart."""
    seen: dict[int, str] = {}
    found = []
    for name in (*referential.topics, *referential.aliases):
        other = seen.setdefault(_fingerprint(name), name)
        if other != name:
            found.append((other, name))
    return found


def _fingerprint(topic: str) -> int:
    """Return 25 bits of a topic's id: the code outlives any change of order in the files."""
    return int.from_bytes(hashlib.sha256(topic.encode()).digest()[:4], "big") >> 7


def _check(digits: Iterable[int]) -> int:
    """Return the check of some digits, over GF(32) with x⁵ + x² + 1: one wrong character, or two swapped, is always seen."""
    check = 0
    for digit in digits:
        check ^= digit
        check = check << 1 ^ (0b100101 if check & 16 else 0)
    return check
