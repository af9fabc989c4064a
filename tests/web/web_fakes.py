"""An engine without any model, that says the same things every time: one message per state of the page."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import date
from typing import Any

from bot.base.errors import DoorCodeError
from bot.dialogue.door_codes import door_code
from bot.dialogue.facts import Fact, Origin
from bot.dialogue.wording import Card, Choice, Contact, EmergencyCall, Reply
from bot.language.foreign import Courtesy
from bot.routing.types import DecisionKind, RoutingDecision
from bot.serving.engine import Answer, Engine, EngineError
from bot.serving.first_aid import SiteFacts, TakenOver, Urgent
from bot.serving.watched import Condition
from bot.staff.inbox.events import FeedbackEvent, TurnEvent
from bot.staff.upkeep.notice import OpenSwitch

FRONT_DESK = Contact(
    "Accueil de la préfecture du Lot", ("place Chapou", "46000 Cahors"), ("05 65 00 00 00",), (), (("Le site", "https://www.lot.gouv.fr"),)
)
CALLS = tuple(
    EmergencyCall(*pair, sms=pair[0] == "114")
    for pair in (
        ("15", "SAMU"),
        ("17", "Police ou gendarmerie"),
        ("18", "Pompiers"),
        ("112", "Numéro d'urgence européen"),
        ("114", "Urgence par SMS"),
    )
)
SHEET = Origin("exemple", date(2026, 11, 24))
HOUSING = Card(
    delegation="le service regroupé Population (DIS Population)",
    service="Le service de l'action sociale",
    topic="Faire reconnaître mon droit au logement",
    sentences=(
        "Le service de l'action sociale : remplissez le formulaire de recours, puis envoyez-le par courrier.",
        "Gardez une copie de tout.",
        "La commission répond en trois mois.",
    ),
    bring=("une copie de votre demande de logement social", "vos trois dernières feuilles de paie", "une pièce d'identité"),
    link=("Service-Public.gouv.fr", "https://www.service-public.gouv.fr"),
    associated=("La mairie peut vous aider à remplir le formulaire.",),
    contact=Contact(
        "Guichet unique de la DIS Population",
        ("Cité administrative", "127 quai Cavaignac", "46009 Cahors Cedex 9"),
        ("05 65 11 11 11",),
        ("guichet@exemple.fr",),
        (("Le site de l'État dans le Lot", "https://www.lot.gouv.fr"),),
        "Mo-Th 09:00-12:00,13:30-16:30, Fr 09:00-12:00; PH off",
        True,
    ),
    today="direction départementale de l'emploi, du travail, des solidarités et de la protection des populations (DDETSPP)",
    because="",
    to_validate=True,
    topic_id="logement_dalo",
    facts=(
        Fact("cout", "C'est gratuit.", SHEET),
        Fact("delai", "La réponse vient en trois mois.", SHEET),
        Fact("qui", "Toute personne sans logement.", SHEET),
        Fact("recours", "En cas de refus, écrivez au tribunal.", SHEET),
    ),
    origin=SHEET,
)
HOUSING_CODE = door_code(HOUSING.topic_id)
VET = Card(
    delegation="le service regroupé Territoire (DIS Territoire)",
    service="Le service vétérinaire",
    topic="Signaler un restaurant sale",
    sentences=("Le service vétérinaire : signalez le restaurant sur le site SignalConso.", "Donnez le nom et l'adresse du restaurant."),
    bring=(),
    link=("SignalConso", "https://signal.conso.gouv.fr"),
    associated=(),
    contact=Contact("Guichet unique de la DIS Territoire", ("Cité administrative", "46000 Cahors"), ("05 65 22 22 22",)),
    today="",
    because="signaler un restaurant sale",
)
REPLIES = {
    "logement": Reply(HOUSING.text, (HOUSING,)),
    "deuil": Reply(
        "Je vous présente mes condoléances. Voici les portes, dans l'ordre.", (HOUSING, replace(VET, topic="")), event="Un proche est mort"
    ),
    "deux": Reply("Vous avez plusieurs demandes. Voici la porte de chacune.", (HOUSING, VET)),
    "question": Reply(
        "Je veux être sûr de vous donner la bonne porte. De quoi s'agit-il ?",
        choices=(
            Choice("logement", "Faire reconnaître mon droit au logement"),
            Choice("veterinaire", "Signaler un restaurant sale"),
            Choice("aucun", "Rien de tout cela"),
        ),
    ),
    "feu": Reply(
        "Après l'appel, voici la porte pour la suite.",
        (VET,),
        calls=(CALLS[2], CALLS[3], EmergencyCall("116000", "Enfants disparus", sms=False)),
        instruction="Sortez et restez dehors.",
    ),
    "hello": Reply(
        HOUSING.text,
        (HOUSING,),
        courtesy=Courtesy(
            "en",
            "ltr",
            (
                "Hello. I only understand French.",
                "For help, please phone the front desk: 05 65 00 00 00.",
                "The answer below is in French.",
            ),
        ),
    ),
    "مرحبا": Reply(
        "", courtesy=Courtesy("ar", "rtl", ("مرحبًا. أنا برنامج آلي ولا أفهم إلا اللغة الفرنسية.", "اتصلوا بالرقم: 05 65 00 00 00."))
    ),
    "bonjour": Reply("Bonjour ! Dites-moi ce que vous voulez faire. Vous pouvez aussi appeler le 05 65 00 00 00."),
}
ECHO = "Je n'ai pas compris votre demande. Dites-la avec d'autres mots."


class FakeEngine(Engine):
    """Answers by the first known word of the message; echoes nothing.

    Args:
        name: told in its answers.
        error: raised at each turn instead of answering.
        delay: seconds before each answer.
        switch: the off switch.
    """

    def __init__(self, name: str = "routeur", error: Exception | None = None, delay: float = 0.0, switch: OpenSwitch | None = None) -> None:
        super().__init__(lambda: None, switch=switch)  # type: ignore[arg-type,return-value]
        self.name = name
        self.error = error
        self.delay = delay
        self.heard: list[tuple[str, Any]] = []
        self.started = self.stopped = False
        self.condition = Condition.READY

    @property
    def facts(self) -> SiteFacts:
        return SiteFacts(FRONT_DESK, CALLS)

    async def start(self) -> None:
        self.switch.start()
        self.started = True

    async def stop(self) -> None:
        self.switch.stop()
        self.stopped = True

    def status(self) -> dict[str, Any]:
        return {**super().status(), "moteur": self.name, "routeur": self.condition.value, "modele": True}

    def card(self, topic: str, commune: str = "", needs: int = 0) -> Card | None:
        return HOUSING if topic == HOUSING.topic_id else None

    def taken_over(self, code: str) -> TakenOver:
        if code != HOUSING_CODE:
            raise DoorCodeError("Ce code a une faute.")
        return TakenOver(HOUSING, "Gramat", ())

    async def reply(self, text: str, state: Any = None) -> Answer:
        if self.switch.current.phone_only:
            return await super().reply(text, state)
        return await self._say(text, next((r for word, r in REPLIES.items() if word in text.lower()), Reply(ECHO)), state)

    async def choose(self, choice: str, state: Any = None) -> Answer:
        if self.switch.current.phone_only:
            return await super().choose(choice, state)
        replies = {"logement": REPLIES["logement"], "veterinaire": Reply(VET.text, (VET,))}
        return await self._say(choice, replies.get(choice, Reply("D'accord. Dites-moi votre besoin avec d'autres mots.")), state)

    async def use(self, work: Any, behind: bool = False) -> Any:
        raise BROKEN

    async def urgent(self, text: str) -> Urgent | None:
        said = RoutingDecision(DecisionKind.URGENCE, urgence=("18", "112"))
        return Urgent(said, REPLIES["feu"], None) if "feu" in text else None  # type: ignore[arg-type]

    async def _say(self, heard: str, reply: Reply, state: Any) -> Answer:
        self.heard.append((heard, state))
        if self.delay:
            await asyncio.sleep(self.delay)
        if self.error is not None:
            raise self.error
        return Answer(reply, None, self.name)


BROKEN = EngineError("en panne")


class Ear:
    """Remembers what it is told."""

    def __init__(self, error: Exception | None = None) -> None:
        self.turns: list[TurnEvent] = []
        self.votes: list[FeedbackEvent] = []
        self.life: list[str] = []
        self.error = error

    def start(self) -> None:
        self.life.append("start")

    def stop(self) -> None:
        self.life.append("stop")

    def turn(self, event: TurnEvent) -> None:
        if self.error is not None:
            raise self.error
        self.turns.append(event)

    def feedback(self, event: FeedbackEvent) -> None:
        self.votes.append(event)
