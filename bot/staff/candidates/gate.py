"""The gate: whether a candidate model may go live, and why not, in plain French. A pure function of figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Margins:
    """How much worse a candidate may be, in points of percentage.

    Args:
        wrong_doors: share of answers that name a wrong door.
        worst_service: recall of any one service.
        out_of_scope: recall of messages that ask for nothing.
        min_messages: a service with fewer test messages is not judged alone.
        min_lost: a service that loses fewer messages than this is not held worse: two trainings differ by that much.
        min_lost_topic: the same for a topic, which has fewer.
    """

    wrong_doors: float = 0.5
    worst_service: float = 3.0
    out_of_scope: float = 2.0
    min_messages: int = 10
    min_lost: int = 3
    min_lost_topic: int = 2


@dataclass(frozen=True)
class Figures:
    """What is compared.

    Args:
        emergencies: share of true emergencies recognised.
        wrong_doors: share of answers that name a wrong door.
        out_of_scope: share of messages without request recognised as such.
        services: service → (share of its messages that reach it, number of messages).
        topics: topic → (messages that reach it, messages), among those kept apart.
        false_alarms: messages without danger answered with emergency numbers; ``None`` when it was not measured.
        missed: messages that tell a danger, and get no number; ``None`` the same.
    """

    emergencies: float
    wrong_doors: float
    out_of_scope: float
    services: Mapping[str, tuple[float, int]]
    topics: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    false_alarms: int | None = None
    missed: int | None = None


@dataclass(frozen=True)
class Verdict:
    """What the gate says.

    Args:
        reasons: French sentences, empty when the gate is open.
    """

    reasons: tuple[str, ...] = ()

    @property
    def open(self) -> bool:
        """Whether the candidate may go live."""
        return not self.reasons


def judge(live: Figures, candidate: Figures, margins: Margins, names: Mapping[str, str] | None = None) -> Verdict:
    """Compare a candidate with the live model.

    Emergencies may not drop at all. A service judged in both is looked at alone; one that is new or gone is not.

    Args:
        live: figures of the model that answers now.
        candidate: figures of the other, on the same messages.
        margins: what is tolerated.
        names: service → plain name.
    """
    reasons = []
    if candidate.emergencies < live.emergencies:
        reasons.append(
            f"Les urgences sont moins bien reconnues : {_percent(candidate.emergencies)} au lieu de {_percent(live.emergencies)}. "
            "Aucune baisse n'est permise."
        )
    if _points(candidate.wrong_doors - live.wrong_doors) > margins.wrong_doors:
        reasons.append(
            f"Plus de mauvaises portes : {_percent(candidate.wrong_doors)} au lieu de {_percent(live.wrong_doors)}. "
            f"La hausse permise est de {_number(margins.wrong_doors)} point."
        )
    for known, counted, said in (
        (live.false_alarms, candidate.false_alarms, "Plus de fausses alertes"),
        (live.missed, candidate.missed, "Plus d'urgences manquées"),
    ):
        if known is not None and counted is not None and counted > known:
            reasons.append(f"{said} : {counted} au lieu de {known} sur les messages mis de côté. Aucune hausse n'est permise.")
    for topic, (found, messages) in sorted(live.topics.items()):
        after_found = candidate.topics.get(topic, (found, messages))[0]
        if found - after_found >= max(margins.min_lost_topic, found / 2):
            name = (names or {}).get(topic, topic)
            reasons.append(f"La demande « {name} » se perd : {after_found} messages trouvés sur {messages}, au lieu de {found}.")
    worse = []
    for service, (before, messages) in live.services.items():
        after = candidate.services.get(service)
        if after is None or messages < margins.min_messages:
            continue
        drop = _points(before - after[0])
        if drop > margins.worst_service and round((before - after[0]) * messages) >= margins.min_lost:
            worse.append((drop, service, before, after[0]))
    for _, service, before, now in sorted(worse, reverse=True)[:3]:
        reasons.append(
            f"« {(names or {}).get(service, service)} » est moins bien trouvé : {_percent(now)} au lieu de {_percent(before)}. "
            f"La baisse permise est de {_number(margins.worst_service)} points."
        )
    if _points(live.out_of_scope - candidate.out_of_scope) > margins.out_of_scope:
        reasons.append(
            f"Les messages sans demande sont moins bien reconnus : {_percent(candidate.out_of_scope)} au lieu de "
            f"{_percent(live.out_of_scope)}. La baisse permise est de {_number(margins.out_of_scope)} points."
        )
    return Verdict(tuple(reasons))


def _points(share: float) -> float:
    return round(100 * share, 6)  # 0,5 point is 0,5 point, whatever the floating point says


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %".replace(".", ",")


def _number(value: float) -> str:
    return f"{value:g}".replace(".", ",")
