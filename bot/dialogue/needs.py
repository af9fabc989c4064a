"""What a person cannot do, as they say it, and answers that bend to it: no « appelez » for who cannot phone."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from bot.dialogue.facts import Fact
from bot.dialogue.wording import FRONT_DESK, Card, Contact, Reply, Writer, contact_line
from bot.language.cleaning import clean
from bot.referential import Referential
from bot.referential.models import Need, Unspoken

ACCESS = frozenset({"demander_accessibilite", "demander_sans_internet"})
"""Conversation acts of a message that tells what the person cannot do."""
_PHONE = re.compile(r"(?<!\d)0[1-9](?: \d{2}){4}(?!\d)")
_SENTENCE_END = re.compile(r"(?<=[.!?…])\s+(?=[A-ZÀ-Ý0-9«\"(])")


@dataclass(frozen=True)
class Told:
    """What a message tells of needs.

    Args:
        needs: ids of the needs, in the order of the referential.
        rest: the other words of the message, plain.
    """

    needs: tuple[str, ...]
    rest: str


def needs_told(needs: Mapping[str, Need], text: str, act: str | None) -> Told:
    """Return the needs that a message tells.

    Args:
        needs: those of the referential.
        text: what was typed.
        act: conversation act that the message was read as, ``None`` when it is none.
    """
    rest = f" {clean(text).plain} "
    found: list[str] = []
    for need in needs.values():
        words = (*need.phrases, *(need.mots if act in ACCESS else ()))
        held = max((phrase for phrase in words if f" {phrase} " in rest), key=len, default="")
        if held:
            found.append(need.id)
            rest = rest.replace(f" {held} ", "  ")
    return Told(tuple(found), " ".join(rest.split()))


class Bending:
    """Bends answers to needs.

    Args:
        referential: the needs, and what to say instead.
        writer: gives the front desk and the emergency numbers.
    """

    def __init__(self, referential: Referential, writer: Writer) -> None:
        self._needs = referential.needs
        self._situations = referential.emergency_situations
        self._writer = writer
        self._front_desk = referential.entry_points[FRONT_DESK]

    def reply(self, reply: Reply, needs: Iterable[str]) -> Reply:
        """Return the same reply for somebody with these needs; bending twice changes nothing."""
        known = [self._needs[need] for need in needs if need in self._needs]
        reply = replace(reply, cards=tuple(replace(card, needs=_mask(known)) for card in reply.cards))
        for unspoken in filter(None, (need.sans_appel for need in known)):
            reply = self._written(reply, unspoken)
        notes = [need.note for need in known if need.note and need.note not in reply.text]
        return replace(reply, text=" ".join(filter(None, (reply.text, *notes)))) if reply.cards and notes else reply

    def card(self, card: Card, needs: Iterable[str]) -> Card:
        """Return the same card for somebody with these needs."""
        known = [self._needs[need] for need in needs if need in self._needs]
        for unspoken in filter(None, (need.sans_appel for need in known)):
            card = written_card(card, unspoken)
        return replace(card, needs=_mask(known))

    def _written(self, reply: Reply, unspoken: Unspoken) -> Reply:
        cards = tuple(written_card(card, unspoken) for card in reply.cards)
        text, rest = "", reply.text
        if len(cards) == 1 and rest.startswith(reply.cards[0].text):
            text, rest = cards[0].text, rest[len(reply.cards[0].text) :]
        kept, told = [], 0
        for line in rest.strip().splitlines():
            wanted = written(line, unspoken)
            told += len(_split(wanted)) < len(_split(line))
            kept.append(wanted)
        said = "\n".join(filter(None, kept))
        if told and not cards:
            desk = _silent(self._writer.contact(self._front_desk), unspoken)
            said = "\n".join(filter(None, (said, f"{unspoken.personne} {contact_line(desk)}")))
        reply = replace(reply, text=" ".join(filter(None, (text, said))), cards=cards)
        if not reply.calls:
            return reply
        situation = self._situations[unspoken.situation]
        sms = tuple(call for call in self._writer.calls(situation.numeros) if call.sms)
        others = tuple(call for call in reply.calls if not call.sms and call.number not in unspoken.relayes)
        said = f"{situation.consigne} {unspoken.autres}" if others else situation.consigne
        return replace(reply, calls=(*sms, *others), instruction=said)


def written_card(card: Card, unspoken: Unspoken) -> Card:
    """Return a card that never tells to call."""
    step, contact = card.step, card.contact
    first, *others = card.sentences or ("",)
    if tells_to_call(step, unspoken):
        step = _capital(_other_way(card, unspoken))
        first = f"{card.service} : {step[:1].lower()}{step[1:]}"
    associated = tuple(filter(None, (written(line, unspoken) for line in card.associated)))
    sentences = dict.fromkeys(filter(None, (first, *(written(line, unspoken) for line in others))))
    return replace(
        card,
        step=step,
        sentences=tuple(sentences),
        associated=associated,
        contact=_silent(contact, unspoken),
        behind=_silent(card.behind, unspoken) if card.behind else None,
        partner_contact=_silent(card.partner_contact, unspoken) if card.partner_contact else None,
        facts=tuple(fact for fact in (_written_fact(fact, unspoken) for fact in card.facts) if fact.text),
    )


def written(text: str, unspoken: Unspoken) -> str:
    """Return sentences that no longer tell to call: a danger is written to, the rest is asked of somebody else, or left out."""
    return " ".join(dict.fromkeys(filter(None, (_sentence(s, unspoken) for s in _split(text)))))


def _sentence(sentence: str, unspoken: Unspoken) -> str:
    if _PHONE.search(sentence):
        return ""
    if not tells_to_call(sentence, unspoken):
        return sentence
    return unspoken.danger if _speaks_of_danger(sentence, unspoken) else _asked(sentence, unspoken)


def _asked(sentence: str, unspoken: Unspoken) -> str:
    """Return a sentence that has somebody else call, empty when there is no way to say so."""
    for word, instead in unspoken.appels.items():
        pattern = _word(word)
        if pattern.search(sentence):
            if not instead or f"{word}-" in sentence.lower():
                return ""
            sentence = pattern.sub(lambda m, said=instead: _capital(said) if m.group()[0].isupper() else said, sentence)  # type: ignore[misc]
    return sentence


def _other_way(card: Card, unspoken: Unspoken) -> str:
    """Return the first step that replaces a call, by the best way that the desk has."""
    contact = card.contact
    if _speaks_of_danger(card.step, unspoken) and (asked := _asked(card.step, unspoken)):
        return f"{asked} {unspoken.danger}"
    if contact.emails:
        return unspoken.courriel
    if contact.forms:
        return unspoken.formulaire
    if contact.address:
        return unspoken.poste
    if not contact.phones:
        return unspoken.sur_place
    return unspoken.site if contact.websites or card.link else unspoken.rien


def _silent(contact: Contact, unspoken: Unspoken) -> Contact:
    also = tuple(_PHONE_PART.sub("", line) for line in contact.also)
    return replace(contact, phones=(), dated=written(contact.dated, unspoken), also=also)


_PHONE_PART = re.compile(r" – téléphone [\d ]+(?: ou [\d ]+)*(?= –|\.)")


def _written_fact(fact: Fact, unspoken: Unspoken) -> Fact:
    return fact if fact.url else replace(fact, text=written(fact.text, unspoken))


def tells_to_call(text: str, unspoken: Unspoken) -> bool:
    """Whether a sentence tells to call."""
    return any(_word(word).search(text) for word in unspoken.appels)


def _speaks_of_danger(text: str, unspoken: Unspoken) -> bool:
    return any(_word(word).search(text) for word in unspoken.secours)


def _mask(needs: Iterable[Need]) -> int:
    """Return one bit for each need, as the code carried away holds them."""
    return sum(1 << number for number in {need.numero for need in needs})


def _word(word: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w){re.escape(word)}(?!\w)", re.IGNORECASE)


def _split(text: str) -> list[str]:
    return [part.strip() for part in _SENTENCE_END.split(text) if part.strip()]


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
