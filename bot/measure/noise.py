"""How people really type: the same message without accents, in capitals, with typing errors… always changed the same way."""

from __future__ import annotations

import random
import re
from collections.abc import Callable

from bot.language.cleaning import strip_accents


def typing_errors(text: str) -> str:
    """Swap, drop or double one letter in about one word of eight (fixed by the text itself)."""
    rng = random.Random(len(text) * 7919 + sum(map(ord, text)))
    words = text.split(" ")
    for i, word in enumerate(words):
        if len(word) < 4 or rng.random() > 0.125:
            continue
        at = rng.randrange(1, len(word) - 1)
        words[i] = rng.choice(
            (word[:at] + word[at + 1] + word[at] + word[at + 2 :], word[:at] + word[at + 1 :], word[:at] + word[at] + word[at:])
        )
    return " ".join(words)


def run_on(text: str) -> str:
    """Remove all punctuation."""
    return "".join(c if c.isalnum() or c in " '" else " " for c in text)


def one_breath(text: str) -> str:
    """Write as some speak: no punctuation, no capital, sentences joined by « et »."""
    joined = re.sub(r"\s*[.!?;…]+\s+(?=\S)", " et ", text.strip())
    return " ".join(run_on(joined).lower().split())


def polite(text: str) -> str:
    """Wrap in formulas of politeness."""
    return f"Bonjour madame, monsieur, excusez-moi de vous déranger. {text} Merci beaucoup d'avance, bien cordialement."


_SMS = {
    "je ": "j ",
    "que ": "ke ",
    "pour ": "pr ",
    "quoi": "koi",
    "c'est": "c",
    "j'ai": "g",
    "est-ce que": "esk",
    "vous": "vs",
    "dans": "ds",
}


def sms(text: str) -> str:
    """Write as in a short message: no accents, usual shortenings."""
    text = strip_accents(text.lower())
    for long, short in _SMS.items():
        text = text.replace(long, short)
    return text


_LOCAL = {
    "enfant": "drôle",
    "enfants": "drôles",
    "fille": "drolle",
    "garçon": "drôle",
    "petit": "pitchoun",
    "petite": "pitchoune",
    "sac": "poche",
    "beaucoup": "un plein sac",
    "maintenant": "tout de suite là",
    "fermer": "claver",
    "fermé": "clavé",
    "colle": "pègue",
    "tomber": "s'espatarrer",
    "peur": "la pétoche",
}


def dialect(text: str) -> str:
    """Say it with words of the South-West: an exclamation first, and common words replaced."""
    return "Boudu, té, " + re.sub(r"\w+", lambda m: _LOCAL.get(m.group().lower(), m.group()), text)


NOISES: dict[str, Callable[[str], str]] = {
    "sans_accents": strip_accents,
    "capitales": str.upper,
    "minuscules": str.lower,
    "fautes_de_frappe": typing_errors,
    "sans_ponctuation": run_on,
    "d_une_traite": one_breath,
    "politesse": polite,
    "sms": sms,
    "mots_d_ici": dialect,
}
