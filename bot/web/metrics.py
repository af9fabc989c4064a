"""Prometheus metrics: counts and durations, never a word nor an address. Shown on the internal listener only."""

from __future__ import annotations

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest

from bot.serving.engine import Engine
from bot.serving.sessions import Sessions
from bot.serving.watched import Condition
from bot.staff.inbox.events import FeedbackEvent, TurnEvent
from bot.staff.inbox.recorder import Recorder

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """Counts what one process does; each process is scraped by itself.

    It is an :class:`~bot.serving.observer.Observer` too: turns and votes come to it as to any other.

    Args:
        engine: asked for its condition at each scrape.
        sessions: asked for its size at each scrape.
    """

    def __init__(self, engine: Engine, sessions: Sessions) -> None:
        self._engine = engine
        self._sessions = sessions
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._requests = Counter("assistant_requetes", "Requêtes servies", ["methode", "route", "statut"], registry=self.registry)
        self._request_seconds = Histogram(
            "assistant_requete_secondes", "Durée des requêtes", ["route"], buckets=SECONDS, registry=self.registry
        )
        self._turns = Counter(
            "assistant_echanges", "Échanges répondus", ["decision", "delegation", "moteur", "canal"], registry=self.registry
        )
        self._turn_seconds = Histogram("assistant_echange_secondes", "Durée des réponses", buckets=SECONDS, registry=self.registry)
        self._votes = Counter("assistant_avis", "Avis des personnes", ["utile", "raison"], registry=self.registry)
        self._conversations = Gauge("assistant_conversations", "Conversations en mémoire", registry=self.registry)
        self._conditions = Gauge(
            "assistant_moteur", "État d'un moteur : 1 pour l'état du moment", ["moteur", "etat"], registry=self.registry
        )
        self._model = Gauge(
            "assistant_modele", "1 quand un modèle est chargé, 0 quand seules les urgences sont reconnues", registry=self.registry
        )

    def start(self) -> None:
        """Nothing to get ready."""

    def stop(self) -> None:
        """Nothing to let go of."""

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request by the pattern of its route, never by its address."""
        self._requests.labels(method, route, str(status)).inc()
        self._request_seconds.labels(route).observe(seconds)

    def turn(self, event: TurnEvent) -> None:
        """Count an answered exchange."""
        delegation = str(event.doors[0].get("dis") or "") if event.doors else ""
        self._turns.labels(event.kind, delegation, event.engine, event.channel).inc()
        if event.seconds is not None:
            self._turn_seconds.observe(event.seconds)

    def feedback(self, event: FeedbackEvent) -> None:
        """Count a vote."""
        self._votes.labels("oui" if event.helpful else "non", event.reason or "").inc()

    def watch(self, recorder: Recorder) -> None:
        """Show how much waits for the database, and what was lost, at each scrape.

        Args:
            recorder: of this process.
        """
        waiting = Gauge("assistant_attente_octets", "Octets d'échanges qui attendent la base, sur ce disque", registry=self.registry)
        waiting.set_function(recorder.waiting)
        lost = Gauge("assistant_echanges_perdus", "Échanges qui n'ont pu être gardés nulle part", registry=self.registry)
        lost.set_function(lambda: recorder.dropped)

    async def render(self) -> bytes:
        """Return the exposition text."""
        self._conversations.set(await self._sessions.count())
        status = self._engine.status()
        for engine in ("routeur", "agent"):
            for condition in Condition:
                self._conditions.labels(engine, condition.value).set(status.get(engine) == condition.value)
        self._model.set(bool(status.get("modele")))
        return generate_latest(self.registry)


def metrics_handler(metrics: Metrics) -> web.RouteDef:
    """Return the route ``GET /metrics`` of the internal listener."""

    async def show(_: web.Request) -> web.Response:
        return web.Response(body=await metrics.render(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    return web.get("/metrics", show)
