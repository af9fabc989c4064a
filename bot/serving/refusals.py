"""Requests that get no answer, each with a kind French sentence; never a trace."""

from __future__ import annotations

from collections.abc import Mapping

from bot.base.errors import AssistantError

_WORDS: Mapping[int, tuple[str, str]] = {
    400: ("Envoi illisible", "Je n'ai pas pu lire cet envoi. Essayez à nouveau."),
    401: ("Clé refusée", "Cette clé n'est pas valable. Vérifiez-la, ou retirez l'en-tête Authorization."),
    403: ("Envoi refusé", "Cet envoi vient d'un site qui n'est pas autorisé. Ouvrez la page de l'assistant et recommencez."),
    404: ("Page introuvable", "Cette page n'existe pas."),
    405: ("Action impossible", "Cette adresse ne permet pas cette action."),
    408: ("Envoi trop lent", "Votre envoi a mis trop de temps à arriver. Essayez à nouveau."),
    409: ("Bouton périmé", "Ce bouton n'est plus valable. Écrivez votre demande avec vos mots."),
    410: (
        "Conversation effacée",
        "Le serveur a oublié cette conversation, après une pause ou un redémarrage. Votre texte est gardé : envoyez-le à nouveau.",
    ),
    413: ("Message trop long", "Votre message est trop long. Dites votre besoin en quelques phrases."),
    415: ("Format non lu", "Je ne lis pas ce format d'envoi."),
    422: ("Message à corriger", "Votre message est à corriger."),
    429: ("Trop de messages", "Vous envoyez beaucoup de messages."),
    500: ("Erreur de notre côté", "Quelque chose n'a pas marché de notre côté. Essayez à nouveau dans un moment."),
    503: ("Assistant en panne", "Je ne peux pas répondre pour le moment. Essayez à nouveau dans quelques minutes."),
}


def meaning(status: int) -> tuple[str, str]:
    """Return the title and the sentence of a status."""
    return _WORDS.get(status, _WORDS[500] if status >= 500 else _WORDS[400])


class Refusal(AssistantError):
    """A request that gets no answer, and why.

    Args:
        status: HTTP status.
        detail: a French sentence for the person; by default that of the status.
        headers: added to the response.
    """

    def __init__(self, status: int, detail: str = "", headers: Mapping[str, str] | None = None) -> None:
        self.status = status
        self.title, ready = meaning(status)
        self.detail = detail or ready
        self.headers = dict(headers or {})
        super().__init__(self.detail)
