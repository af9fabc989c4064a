"""Carry a routing decision through Rasa's tracker and back: plain values only, no Rasa import."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.base.errors import BadMessage
from bot.language.foreign import Foreign
from bot.routing.types import DecisionKind, Destination, Level, RoutingDecision

ROUTING = "routing"
"""Name of the message property that holds the decision."""
CHOOSE_INTENT = "choisir"
CHOICE_ENTITY = "choix"


def decision_as_mapping(decision: RoutingDecision, identifier: str | None, text: str) -> dict[str, Any]:
    """Return the public object of a decision, and what the words of the answer need beside it: situation, language, doors offered."""
    foreign = decision.foreign
    return {
        **decision.as_json(identifier, text),
        "situation": decision.situation,
        "proposees": [door.as_json() for door in decision.offered],
        "invitation": decision.invitation,
        "lu": decision.read,
        "retour": decision.back,
        "langue": {"code": foreign.language, "acte": foreign.act, "doute": foreign.doubt} if foreign else None,
    }


def decision_from_mapping(values: Any) -> RoutingDecision:
    """Build the decision again.

    Args:
        values: what :func:`decision_as_mapping` returned, possibly through JSON.

    Raises:
        BadMessage: ``values`` is not such an object.
    """
    try:
        return RoutingDecision(
            decision=DecisionKind(values["decision"]),
            destinations=tuple(map(_destination, values.get("destinations") or ())),
            alternatives=tuple(map(_destination, values.get("alternatives") or ())),
            niveau=Level(values["niveau"]) if values.get("niveau") else None,
            urgence=tuple(map(str, values.get("urgence") or ())),
            situation=values.get("situation"),
            offered=tuple(map(_destination, values.get("proposees") or ())),
            invitation=str(values.get("invitation") or ""),
            read=str(values.get("lu") or ""),
            back=str(values.get("retour") or ""),
            acte=values.get("acte"),
            question=values.get("question"),
            commune=dict(values["commune"]) if values.get("commune") else None,
            foreign=_foreign(values["langue"]) if values.get("langue") else None,
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise BadMessage("La décision reçue n'est pas lisible.") from error


def _destination(row: Mapping[str, Any]) -> Destination:
    return Destination(str(row["dis"]), row.get("service"), row.get("sujet"), float(row["confiance"]), str(row.get("extrait") or ""))


def _foreign(row: Mapping[str, Any]) -> Foreign:
    return Foreign(str(row["code"]), str(row.get("acte") or ""), bool(row.get("doute")))
