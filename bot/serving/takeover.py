"""What goes with a door from a person to who takes over: what was said, inside a drawing to scan, and a reminder to pick a day for.

The words stand after the # of an address, which no browser sends: they reach no server, no log, and are kept nowhere.
"""

from __future__ import annotations

import base64
import io
import secrets
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from bot.serving.sessions import Conversation, Exchange
from bot.serving.view import CardView, ReplyView, spaces_made_plain

MOST_TURNS = 4
MOST_CHARACTERS = 240
"""Of all that was said: beyond, the drawing is too fine for a phone, on paper."""
_SAME_TOPIC = 5
"""First characters of a code: those of its topic."""


@dataclass(frozen=True)
class Said:
    """One thing said on the way to a door.

    Args:
        asked: by the assistant, empty for the first words.
        words: of the person, personal data masked.
    """

    asked: str
    words: str


def said_before(conversation: Conversation | None, code: str) -> tuple[Said, ...]:
    """Return what was said on the way to the door of a code, in order; nothing when this conversation does not know it.

    Args:
        conversation: of whoever asks.
        code: of a card shown in it.
    """
    exchanges = conversation.exchanges if conversation else []
    last = next((i for i in range(len(exchanges) - 1, -1, -1) if _shows(exchanges[i].reply, code)), None)
    if last is None:
        return ()
    first = last
    while first and last - first < MOST_TURNS - 1 and _leads_on(exchanges[first - 1], code):
        first -= 1
    turns = exchanges[first : last + 1]
    asked = ("", *(_asked(turn.reply) for turn in turns[:-1]))
    return _shortened([Said(question, _plain(turn.said)) for question, turn in zip(asked, turns, strict=True)])


def fragment(said: Sequence[Said], day: date) -> str:
    """Return what stands after the # of an address: the day, the words, and a sum that tells whether it is whole; "" without words."""
    if not said:
        return ""
    lines = "\n".join(f"{turn.asked}\t{turn.words}" for turn in said).encode()
    words = base64.urlsafe_b64encode(lines).decode().rstrip("=")
    return f"{day:%Y%m%d}.{words}.{zlib.adler32(lines):08x}"


def drawn(address: str) -> bytes:
    """Return an address as an image (SVG) that a phone's camera reads: a QR code, with the margin it needs."""
    import segno  # pages that draw nothing do not wait for it

    image = io.BytesIO()
    segno.make(address, error="l", micro=False).save(
        image, kind="svg", border=4, light="#fff", omitsize=True, svgclass=None, lineclass=None
    )
    return image.getvalue()


def reminder(card: CardView, day: date, address: str, now: datetime) -> str:
    """Return a day in a calendar (RFC 5545) with what to bring; the person chose the day.

    Args:
        card: the door.
        day: chosen.
        address: of its page.
        now: when it is asked.
    """
    import icalendar  # likewise

    desk = card["guichet"]
    title = f"{card['sujet'] or card['porte']} : les papiers"
    lines = [card["etape"], "", "À apporter :", *(f"- {paper}" for paper in card["apporter"]), "", desk["nom"]]
    lines += [phone["texte"] for phone in desk["telephones"]] + ["", "À vérifier avant d'y aller : les papiers peuvent changer.", address]
    event = icalendar.Event.new(
        uid=f"{secrets.token_hex(12)}@assistant-lot",
        stamp=now,
        start=day,
        end=day + timedelta(days=1),
        summary=spaces_made_plain(title),
        description=spaces_made_plain("\n".join(lines)),
        location=spaces_made_plain(", ".join((desk["nom"], *desk["adresse"]))),
        transparency=icalendar.TRANSP.TRANSPARENT,
    )
    return str(icalendar.Calendar.new(prodid="-//assistant-lot//FR", subcomponents=[event]).to_ical(), "utf-8")


def _shows(reply: ReplyView, code: str) -> bool:
    return any(card.get("code") == code for card in reply["cartes"])


def _leads_on(exchange: Exchange, code: str) -> bool:
    """Whether a turn is on the way to that door: it gave none yet, or the same one before its commune was known."""
    cards = exchange.reply["cartes"]
    return not exchange.reply["appels"] and all(card.get("code", "")[:_SAME_TOPIC] == code[:_SAME_TOPIC] for card in cards)


def _asked(reply: ReplyView) -> str:
    """Return what the assistant asked at the end of a turn."""
    last = "".join(run["texte"] for run in reply["phrases"][-1]) if reply["phrases"] else ""
    return _plain(reply["invitation"] or reply["question"] or last)


def _plain(text: str) -> str:
    return " ".join(spaces_made_plain(text).split())


def _shortened(said: Sequence[Said]) -> tuple[Said, ...]:
    """Return the same within what the drawing can hold: the questions go first, then the ends of the longest words."""
    questions = sum(len(turn.asked) for turn in said) <= MOST_CHARACTERS // 2
    left = MOST_CHARACTERS - (sum(len(turn.asked) for turn in said) if questions else 0)
    share = left // max(len(said), 1)
    spare = left - sum(min(len(turn.words), share) for turn in said)
    kept = []
    for turn in said:
        room = share + (spare if len(turn.words) > share else 0)
        spare -= max(0, min(len(turn.words), room) - share)
        words = turn.words if len(turn.words) <= room else turn.words[: room - 1].rstrip() + "…"
        kept.append(Said(turn.asked if questions else "", words))
    return tuple(kept)
