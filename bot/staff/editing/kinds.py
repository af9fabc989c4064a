"""The kinds of record that staff change from the pages: for each, a table of its fields, and what is wrong in them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from bot.base.errors import EditError
from bot.base.paths import ProjectPaths
from bot.language.lexicon import tokens_of
from bot.learning.loading import load_detector
from bot.routing.memory import spoken
from bot.staff.candidates.review import dangers_of, held_out_of, twins
from bot.staff.editing.contacts import DAYS, contact_mistakes
from bot.staff.editing.corpus_editor import append_intent, refuse_known, tidy_phrase, tidy_phrases
from bot.staff.editing.record_editor import Field, Kind, RecordEditor, Shape, Values
from bot.staff.editing.topic_editor import FACT_NAMES
from bot.staff.editing.workspace import Draft
from bot.staff.editing.yaml_records import RecordFile, read_records

CALLED = {"{accueil_telephone}": "le numéro de l'accueil", "{urgence}": "le numéro d'urgence"}
"""What stands for a number in a sentence, and what it becomes."""
_DIGITS = re.compile(r"\d[\d .]*\d")
_PHONE = re.compile(r"\d[\d .]{5,}\d")
_NO_NUMBER = "« {text} » : n'écrivez pas de numéro dans une phrase. Les numéros viennent des guichets et des urgences."
_SOURCED = (
    Field("source", "Source", hint="Le texte, la note ou la personne qui le dit.", needed=True),
    Field("verifie_le", "Vérifié le", Shape.DATE, needed=True),
)


def _no_numbers(*names: str, number: re.Pattern[str] = _PHONE) -> Callable[[Values], Sequence[str]]:
    """Return what refuses numbers in sentences; a short one, such as 114, only where the pattern says so."""

    def check(fields: Values) -> Sequence[str]:
        said = [fields.get(name) or "" for name in names]
        return [_NO_NUMBER.format(text=text) for text in said if number.search(text)]

    return check


def _named_numbers(fields: Values) -> Sequence[str]:
    """A sentence of another language names its number by what stands for it, and no other."""
    wanted = {"aide": "{accueil_telephone}", "en_cas_d_urgence": "{urgence}", "danger_maintenant": "{urgence}"}
    found = [
        f"« {LANGUAGES.names[name]} » doit garder {mark} : c'est là que vient {CALLED[mark]}."
        for name, mark in wanted.items()
        if mark not in (fields.get(name) or "")
    ]
    return [*found, *_no_numbers("bonjour", *wanted, "carte", number=_DIGITS)(fields)]


# --- desks


def _checked_desk(before: Values, fields: Values) -> Values:
    earlier, checked = (before.get("x_ose") or {}).get("verifie_le"), fields.get("x_ose.verifie_le")
    if isinstance(earlier, date) and isinstance(checked, date) and checked < earlier:
        raise EditError(f"Ce guichet a déjà été vérifié plus tard, le {earlier:%d/%m/%Y}.")
    return {**fields, "x_ose.a_verifier": False} if checked else fields


_HOURS = ("valeur_heure_debut_1", "valeur_heure_fin_1", "valeur_heure_debut_2", "valeur_heure_fin_2")

DESKS = Kind(
    id="guichets",
    name="Guichets",
    one="le guichet",
    help="Les numéros, les adresses et les horaires que l'assistant donne. Appelez le guichet, corrigez, puis écrivez la date et qui a "
    "vérifié. Le changement attend dans le brouillon, jusqu'à sa publication.",
    path="/atelier/guichets",
    file="guichets.yml",
    key="guichets",
    title="nom",
    new="Ouvrir un guichet",
    shown=("telephone", "x_ose.verifie_le"),
    deeds=("guichet_cree", "guichet_modifie", ""),
    start={"x_ose.zone": ["46"], "x_ose.confiance": "moyenne"},
    check=contact_mistakes,
    finish=_checked_desk,
    saved="Le guichet est enregistré dans le brouillon. Publiez-le pour que le public le voie.",
    fields=(
        Field("x_ose.dis", "Service regroupé", Shape.ONE, needed=True, among="delegations", only_new=True),
        Field("nom", "Nom", needed=True),
        Field(
            "adresse",
            "Adresse",
            Shape.ROWS,
            columns=(
                Field("complement1", "Complément"),
                Field("numero_voie", "Numéro et rue"),
                Field("code_postal", "Code postal"),
                Field("nom_commune", "Commune"),
            ),
            blank=0,
            unless="x_ose.annuaire",
            keeps=True,
        ),
        Field("telephone", "Téléphone", Shape.ROWS, columns=(Field("valeur", "Numéro"), Field("description", "À quoi il sert"))),
        Field("adresse_courriel", "Courriels", Shape.LINES, hint="Un par ligne."),
        Field("site_internet", "Site", Shape.ROWS, columns=(Field("libelle", "Nom"), Field("valeur", "Adresse"))),
        Field(
            "plage_ouverture",
            "Horaires",
            Shape.ROWS,
            columns=(
                Field("nom_jour_debut", "Du", Shape.ONE, among="jours"),
                Field("nom_jour_fin", "Au", Shape.ONE, among="jours"),
                *(Field(name, label, Shape.HOUR) for name, label in zip(_HOURS, ("Ouvre", "Ferme", "Rouvre", "Referme"), strict=True)),
            ),
        ),
        Field("commentaire_plage_ouverture", "Remarque sur les horaires"),
        Field("information_complementaire", "Autre information"),
        Field("x_ose.source", "Source", hint="La note du service, ou l'annuaire.", needed=True, only_new=True),
        Field("x_ose.verifie_le", "Vérifié le", Shape.DATE, needed=True),
        Field("x_ose.verifie_par", "Par qui, ou comment", hint="Par exemple : appel au standard.", needed=True),
    ),
)

# --- services, delegations, bodies


def _topics_of_service(paths: ProjectPaths, draft: Draft, service: str, fields: Values) -> None:
    file = paths.referential / "sujets" / f"{service}.yml"
    if draft.exists(file):
        raise EditError("Un service porte déjà ce nom, ou presque. Choisissez-en un autre.")
    draft.write(file, "sujets: []\n")


SERVICES = Kind(
    id="services",
    name="Services",
    one="le service",
    help="Un service répond à des sujets. Son nom clair est lu par le public ; ses autres noms sont ceux que disent les gens. "
    "Le changement attend dans le brouillon, jusqu'à sa publication.",
    path="/atelier/services",
    file="services.yml",
    key="services",
    title="nom_clair",
    new="Ouvrir un service",
    group="delegation",
    deeds=("service_cree", "service_modifie", ""),
    beside=_topics_of_service,
    saved="Le service est enregistré dans le brouillon. Créez-lui des sujets, puis publiez le tout.",
    fields=(
        Field("delegation", "Service regroupé", Shape.ONE, needed=True, among="delegations", only_new=True),
        Field("nom_clair", "Nom que lit le public", hint="Par exemple : Le service de l'emploi.", needed=True),
        Field("nom", "Nom officiel", needed=True),
        Field("sigle", "Sigle"),
        Field("nom_actuel", "Nom actuel"),
        Field("anciens_noms", "Autres noms que disent les gens", Shape.LINES, hint="Un par ligne."),
        Field("guichet", "Guichet", Shape.ONE, needed=True, among="guichets"),
        Field("contact_partenaire", "Contact des partenaires", Shape.ONE, among="guichets"),
        *_SOURCED,
    ),
)

DELEGATIONS = Kind(
    id="regroupes",
    name="Services regroupés",
    one="le service regroupé",
    help="Les services regroupés (DIS), l'accueil, et ce qui n'est pas de la préfecture : leur nom, leur mission, leur guichet.",
    path="/atelier/fiches/regroupes",
    file="delegations.yml",
    key="delegations",
    title="nom",
    fields=(
        Field("nom", "Nom officiel", needed=True),
        Field("nom_clair", "Nom que lit le public", needed=True),
        Field("mission", "Mission", Shape.TEXT, hint="Une phrase courte.", needed=True),
        Field("en_bref", "En quelques mots", hint="Sur le bouton du menu général.", needed=True),
        Field("guichet", "Guichet", Shape.ONE, needed=True, among="guichets"),
        *_SOURCED,
    ),
    shown=("en_bref",),
)

BODIES = Kind(
    id="organismes",
    name="Organismes",
    one="l'organisme",
    help="Les organismes hors de la préfecture, comme la CAF ou France Travail. Son nom est écrit dans chacun de ses sujets : changez-le "
    "ici, il change partout. Pour donner un sujet à un autre organisme, ouvrez la page du sujet.",
    path="/atelier/fiches/organismes",
    file="sujets",
    key="sujets",
    title="organisme",
    named="organisme",
    shown=("sujets",),
    heads=("Sujets",),
    fields=(Field("organisme", "Nom que lit le public", hint="Avec son article : La caisse d'allocations familiales (CAF).", needed=True),),
)


class BodyEditor(RecordEditor):
    """The bodies outside: each is a name that topics say."""

    def _files(self, draft: Draft) -> dict[Path, list[dict[str, Any]]]:
        files = sorted((self._paths.referential / "sujets").glob("*.yml"))
        return {file: read_records(text, self.kind.key) for file in files if "organisme:" in (text := draft.read(file))}

    def _rows(self, draft: Draft) -> list[dict[str, Any]]:
        found: dict[str, list[str]] = {}
        for topic in (topic for topics in self._files(draft).values() for topic in topics):
            if topic.get("organisme"):
                found.setdefault(topic["organisme"], []).append(topic["libelle"])
        return [{"organisme": name, "sujets": found[name]} for name in sorted(found, key=lambda n: n.lower())]

    def _write(self, draft: Draft, identifier: str, fields: Values) -> None:
        for file, topics in self._files(draft).items():
            saying = [topic["id"] for topic in topics if topic.get("organisme") == identifier]
            if saying:
                records = RecordFile(draft.read(file), self.kind.key)
                for topic in saying:
                    records.set(topic, fields)
                draft.write(file, records.text())


# --- what is said beside the doors


def _phrases_of_event(paths: ProjectPaths, draft: Draft, event: str, fields: Values) -> None:
    phrases, file = tidy_phrases(fields.get("phrases") or []), paths.corpus / "evenements.yml"
    refuse_known(paths, event, phrases)
    draft.write(file, append_intent(draft.read(file) if draft.exists(file) else "", event, phrases))


EVENTS = Kind(
    id="evenements",
    name="Événements de la vie",
    one="l'événement",
    help="Un décès, une naissance, un déménagement : plusieurs portes à la fois, la plus pressée d'abord.",
    path="/atelier/fiches/evenements",
    file="evenements.yml",
    key="actes",
    title="libelle",
    new="Ajouter un événement",
    prefix="evenement_",
    start={"famille": "evenement"},
    beside=_phrases_of_event,
    taught=True,
    shown=("portes",),
    check=_no_numbers("reponse"),
    fields=(
        Field("libelle", "Nom", hint="Comme on le dit : Je déménage.", needed=True),
        Field("reponse", "Ce que l'assistant dit d'abord", Shape.TEXT, needed=True),
        Field(
            "portes",
            "Porte",
            Shape.ROWS,
            hint="Dans l'ordre où l'on frappe : la plus pressée d'abord.",
            columns=(Field("sujet", "Sujet", Shape.ONE, among="sujets"), Field("geste", "Première étape, si ce n'est pas celle du sujet")),
            needed=True,
            most=8,
        ),
        Field("phrases", "Phrases des gens", Shape.LINES, hint="Une par ligne, quinze au moins.", needed=True, only_new=True, aside=True),
    ),
)

ANSWERS = Kind(
    id="reponses",
    name="Réponses toutes faites",
    one="la réponse",
    help="Ce que l'assistant répond à « bonjour », à « merci », ou à un message qui n'est pas pour la préfecture.",
    path="/atelier/fiches/reponses",
    file="conversation.yml",
    key="actes",
    title="libelle",
    taught=True,
    shown=("reponse",),
    check=_no_numbers("reponse", "avec_porte"),
    fields=(
        Field("libelle", "Nom", needed=True),
        Field("reponse", "Réponse", Shape.TEXT, hint="{accueil_telephone} devient le numéro de l'accueil.", needed=True),
        Field("avec_porte", "Réponse, quand une porte vient d'être donnée", Shape.TEXT),
    ),
)


def _menu_mistakes(fields: Values) -> Sequence[str]:
    choices = fields.get("choix") or []
    return [] if 2 <= len(set(choices)) == len(choices) <= 4 else ["Un menu propose deux à quatre choix différents."]


MENUS = Kind(
    id="menus",
    name="Menus",
    one="le menu",
    help="Quand un message nomme une chose sans dire ce qu'on en veut (« un permis svp »), l'assistant propose ces choix. Le menu sans "
    "mots sert quand aucun autre ne convient.",
    path="/atelier/fiches/menus",
    file="menus.yml",
    key="menus",
    title="mots",
    called=lambda menu: ", ".join((menu.get("mots") or ["général"])[:2]),
    new="Ajouter un menu",
    removable=True,
    shown=("choix",),
    check=_menu_mistakes,
    fields=(
        Field("mots", "Mots qui l'ouvrent", Shape.LINES, hint="Un mot ou une expression par ligne, sans accent ni majuscule."),
        Field("choix", "Choix", Shape.SOME, hint="Le plus demandé d'abord.", among="portes", most=4, needed=True),
    ),
)

WORDS = Kind(
    id="mots",
    name="Mots expliqués",
    one="le mot",
    help="Les mots de l'administration, dits simplement. L'assistant les explique à qui demande « c'est quoi ».",
    path="/atelier/fiches/mots",
    file="glossaire.yml",
    key="glossaire",
    title="terme",
    named="terme",
    new="Expliquer un mot",
    removable=True,
    shown=("clair",),
    fields=(
        Field("terme", "Mot ou sigle", needed=True, only_new=True),
        Field("clair", "En clair", Shape.TEXT, needed=True),
        Field("aussi", "Se dit aussi", Shape.LINES, hint="Un par ligne."),
    ),
)

NEEDS = Kind(
    id="besoins",
    name="Ce qu'une personne ne peut pas faire",
    one="la difficulté",
    help="Téléphoner, lire, se déplacer… : l'assistant s'en souvient toute la conversation, et ses réponses s'y plient.",
    path="/atelier/fiches/besoins",
    file="besoins.yml",
    key="besoins",
    title="libelle",
    shown=("reponse",),
    fields=(
        Field("libelle", "Nom", needed=True),
        Field("phrases", "Mots qui suffisent", Shape.LINES, hint="Un par ligne, sans accent, majuscule ni apostrophe.", needed=True),
        Field("reponse", "Réponse", Shape.TEXT, needed=True),
        Field("avec_porte", "Réponse, quand une porte vient d'être donnée", Shape.TEXT, needed=True),
        Field("note", "Après chaque porte qui suit", Shape.TEXT),
        *_SOURCED,
    ),
)

AGES = Kind(
    id="ages",
    name="Délais de vérification",
    one="le délai",
    help="Après combien de mois un fait est à vérifier de nouveau. Les pages « Sujets » et « Guichets » disent ce qui est dû.",
    path="/atelier/fiches/ages",
    file="fraicheur.yml",
    key="ages",
    title="id",
    called=lambda age: FACT_NAMES.get(age["id"], str(age["id"]).capitalize()),
    shown=("mois",),
    fields=(Field("mois", "Mois", Shape.NUMBER, needed=True),),
)

# --- other languages

LANGUAGES = Kind(
    id="langues",
    name="Langues",
    one="la langue",
    help="Ce que l'assistant dit à qui n'écrit pas en français, et les petits mots qui font reconnaître la langue. Faites relire par une "
    "personne dont c'est la langue.",
    path="/atelier/fiches/langues",
    file="langues.yml",
    key="langues",
    title="nom",
    shown=("bonjour",),
    check=_named_numbers,
    fields=(
        Field("bonjour", "Bonjour, et je ne comprends que le français", Shape.TEXT, needed=True),
        Field("aide", "Pour être aidé", Shape.TEXT, hint="{accueil_telephone} devient le numéro de l'accueil.", needed=True),
        Field("en_cas_d_urgence", "En cas d'urgence", Shape.TEXT, hint="{urgence} devient le numéro.", needed=True),
        Field("danger_maintenant", "Danger maintenant", Shape.TEXT, hint="{urgence} devient le numéro.", needed=True),
        Field("carte", "La fiche qui suit est en français", Shape.TEXT, hint="Vide : jamais de fiche dans cette langue."),
        Field("de_rien", "De rien", Shape.TEXT, needed=True),
        Field("au_revoir", "Au revoir", Shape.TEXT, needed=True),
        Field("precisez", "Dites-en plus", Shape.TEXT, needed=True),
        Field("note", "C'est noté", Shape.TEXT, needed=True),
        Field("mots", "Petits mots courants", Shape.LINES, hint="Un par ligne, jamais un mot français."),
        Field("locutions", "Expressions qui suffisent seules", Shape.LINES, hint="Une par ligne."),
    ),
)

TOLD = {"en": "anglais", "es": "espagnol", "pt": "portugais", "ar": "arabe", "uk": "ukrainien", "de": "allemand"}
"""Languages that doors are told in (:class:`bot.referential.models.ForeignDoor`)."""

AROUND = Kind(
    id="autour",
    name="Autour d'une porte, en d'autres langues",
    one="les phrases en",
    help="Ce qui entoure une porte dite dans une autre langue. Écrivez qui l'a relu : une personne dont c'est la langue.",
    path="/atelier/fiches/autour",
    file="portes_langues.yml",
    key="langues",
    title="id",
    called=lambda row: TOLD[row["id"]],
    shown=("introduction", "relu_par"),
    check=_no_numbers("introduction", "suite"),
    fields=(
        Field("introduction", "D'abord", Shape.TEXT, needed=True),
        *(Field(name, label, needed=True) for name, label in (("telephone", "« Téléphone »"), ("adresse", "« Adresse »"))),
        *(Field(name, label, needed=True) for name, label in (("courriel", "« Courriel »"), ("site", "« Site »"))),
        Field("suite", "La fiche en français suit", Shape.TEXT, needed=True),
        Field("relu_par", "Relu par"),
    ),
)

DOORS = Kind(
    id="portes",
    name="Portes en d'autres langues",
    one="la porte",
    help="Les sujets les plus demandés, dits en six langues. Les numéros et les adresses viennent des guichets, jamais d'ici.",
    path="/atelier/fiches/portes",
    file="portes_langues.yml",
    key="portes",
    title="sujet",
    named="sujet",
    new="Dire une porte en d'autres langues",
    removable=True,
    shown=("en.libelle",),
    check=_no_numbers(*(f"{tag}.geste" for tag in TOLD)),
    fields=(
        Field("sujet", "Sujet", Shape.ONE, among="sujets", needed=True, only_new=True),
        *(
            Field(f"{tag}.{name}", f"{label}, en {language}", shape, hint=hint, needed=True)
            for tag, language in TOLD.items()
            for name, label, shape, hint in (
                ("libelle", "Nom", Shape.LINE, ""),
                ("geste", "Première étape", Shape.LINE, ""),
                ("mots", "Mots", Shape.LINES, "Une suite de débuts de mots par ligne, tous présents dans le message."),
            )
        ),
    ),
)

# --- dangers

DANGERS = Kind(
    id="dangers",
    name="Urgences",
    one="le danger",
    help="Pour chaque danger : ce qui l'annonce, les numéros que l'assistant donne, la phrase qui suit. Les numéros eux-mêmes ne se "
    "changent pas ici. Ce qu'un danger montre se publie à deux : une autre personne doit signer.",
    path="/atelier/urgences",
    file="urgences.yml",
    key="situations",
    title="libelle",
    deeds=("", "urgence_modifiee", ""),
    shown=("numeros", "consigne"),
    check=_no_numbers("consigne", "libelle"),
    saved="C'est enregistré dans le brouillon. Une autre personne doit le publier.",
    fields=(
        Field("libelle", "Nom", needed=True),
        Field("numeros", "Numéros", Shape.SOME, hint="Le bon d'abord.", among="numeros", needed=True, most=5),
        Field("consigne", "Phrase dite avec les numéros", Shape.TEXT, hint="Des phrases très courtes : appelez, restez, sortez."),
    ),
)


def _refuse_doubtful(paths: ProjectPaths, draft: Draft, identifier: str, fields: Values) -> None:
    """A message that hides a cry, or a known danger, is never written down as none; one that measures is never written down."""
    phrase, situation = tidy_phrase(fields["texte"]), fields.get("situation") or ""
    tests = ((spoken(text), "") for text in held_out_of(paths))
    if any(twins([("", phrase)], tests)):
        raise EditError("Cette phrase est un message d'essai : l'apprendre fausserait les mesures.")
    if situation:
        return
    heard = {clue.part for clue in load_detector(paths).clues(phrase) if clue.alarm}
    if "mots" in heard or "langues" in heard:
        raise EditError("Cette phrase est un cri : l'assistant montrera toujours les numéros.")
    if any(twins([("", phrase)], ((spoken(text), "") for text in dangers_of(paths)))):
        raise EditError("Un danger connu se dit presque avec ces mots. Cette phrase ne peut pas être calmée.")


PHRASES = Kind(
    id="phrases",
    name="Messages d'urgence appris",
    one="le message",
    help="Des messages entiers, reconnus mot pour mot : un danger que l'assistant a manqué, ou ce qu'il a pris pour un danger.",
    path="/atelier/urgences/phrases",
    file="urgences_phrases.yml",
    key="phrases",
    title="texte",
    named="texte",
    new="Ajouter un message",
    removable=True,
    shown=("situation",),
    nothing="ce n'est pas une urgence",
    deeds=("danger_appris", "urgence_modifiee", "danger_retire"),
    beside=_refuse_doubtful,
    saved="C'est enregistré dans le brouillon. Une autre personne doit le publier.",
    fields=(
        Field("texte", "Message", hint="Comme la personne l'a écrit, sans nom ni numéro.", needed=True, only_new=True),
        Field("situation", "Danger", Shape.ONE, hint="Vide : ce n'est pas une urgence.", among="dangers"),
    ),
)

_PART = re.compile(r"[@a-z0-9*|]+\??|\.\.|\^|\$")


def _unreadable(fields: Values) -> Sequence[str]:
    """A line of cries holds plain words and a few signs."""
    return [
        f"« {row} » ne peut pas se lire : écrivez des mots sans accent, majuscule ni ponctuation, et les signes de l'aide."
        for name in ("motifs", "sauf")
        for row in fields.get(name) or ()
        if not all(_PART.fullmatch(part) for part in row.split()) or row.startswith("..") or row.endswith("..")
    ]


CRIES = Kind(
    id="cris",
    name="Cris",
    one="les cris du danger",
    help="Les dangers les plus graves, dits le plus simplement : cette courte liste suffit quand aucun modèle n'est là. Chaque ligne est "
    "expliquée sous le formulaire, avec un exemple, et vous pouvez essayer une phrase avant d'enregistrer. Un cri retiré, qui ferait "
    "manquer un danger connu, ne peut pas être publié.",
    path="/atelier/urgences/cris",
    file="urgences_mots.yml",
    key="regles",
    title="situation",
    named="situation",
    new="Ajouter les cris d'un danger",
    shown=("motifs", "sauf"),
    heads=("Par exemple", "Lignes"),
    deeds=("urgence_modifiee", "urgence_modifiee", ""),
    check=_unreadable,
    saved="C'est enregistré dans le brouillon. Une autre personne doit le publier.",
    fields=(
        Field("situation", "Danger", Shape.ONE, among="dangers", needed=True, only_new=True),
        Field("motifs", "Ce qui suffit", Shape.LINES, hint="Un cri par ligne, jamais une tournure rare.", needed=True),
        Field("sauf", "Ce qui l'arrête", Shape.LINES, hint="Dans la même phrase ; une suite de mots par ligne."),
    ),
)

NOTIONS = {
    "secours": "Au secours", "urgence": "Vite, c'est urgent", "secouristes": "Les secours, la police, un médecin", "feu": "Le feu",
    "brule": "Brûler", "fumee": "La fumée", "gaz": "Le gaz", "odeur_fuite": "Sentir, fuir", "bombe": "Une bombe, un otage",
    "respire": "Respirer", "coeur": "Le cœur", "avc": "Un AVC (attaque du cerveau)", "inconscient": "Inconscient, ne bouge plus",
    "etouffe": "S'étouffer", "sang": "Le sang", "veines": "Les veines", "blesse": "Blesser, couper", "allergie": "Une allergie, une piqûre",
    "poison": "Un poison, une drogue", "medicament": "Un médicament", "avale": "Avaler, boire", "vomit": "Vomir", "accouche": "Accoucher",
    "douleur": "La douleur", "meurt": "Mourir", "accident": "Un accident", "coince": "Coincé, perdu", "dessous": "Dessous",
    "tombe": "Tomber", "vehicule": "Un véhicule", "noie": "Se noyer", "eau": "L'eau", "disparu": "Disparu", "electrique": "L'électricité",
    "frappe": "Frapper", "etrangle": "Étrangler", "tue": "Tuer", "menace": "Menacer", "viol": "Un viol", "touche": "Des attouchements",
    "attaque": "Attaquer, suivre", "arme": "Une arme", "tire": "Tirer", "conjoint": "Le mari, la femme", "enfant": "Un enfant",
    "bebe": "Un bébé", "personne": "Une personne, un proche", "voleur": "Un voleur", "force": "Forcer, entrer",
    "porte": "La porte, la maison",
    "suicide": "Le suicide", "soi": "Soi-même", "vivre": "Vivre", "saute": "Sauter", "adieu": "Adieu", "pense": "Penser",
    "bete": "Une bête", "mord": "Mordre", "dormir": "Dormir, sans toit", "rue": "La rue", "toit": "Le toit", "foret": "La forêt",
    "enferme": "Enfermer", "traine": "Traîner, emmener", "maintenant": "Maintenant", "peur": "La peur", "vouloir": "Vouloir",
    "pas": "Ne pas, plus, sans", "hopital": "L'hôpital", "papier": "Des papiers, un rendez-vous", "passe": "Avant, l'an dernier",
    "question": "Une question", "argent": "L'argent", "formation": "Une formation", "jardin": "Le jardin", "politesse": "La politesse",
    "travail": "Le travail", "demarche": "Une démarche", "langue": "La langue", "logement": "Le logement", "poste": "Un poste",
    "detecteur": "Un détecteur", "metier": "Un métier", "outils": "Petits mots, qui disent seulement la langue",
}  # fmt: skip
"""Notions of dangers in other languages (:mod:`bot.emergency.abroad`), as staff read them."""
_NO_WORD = re.compile(r"[,;:/_]|[^*]\*+[^*]")


def _unheard(fields: Values) -> Sequence[str]:
    """A word of another language holds a letter or a figure, and a star only before or after."""
    rows = ((NOTIONS[name.partition(".")[2]], row) for name in fields for row in fields[name] or ())
    return [
        f"{notion} : « {row} » ne peut pas se lire. Un mot par ligne ; une étoile se met au début ou à la fin."
        for notion, row in rows
        if _NO_WORD.search(row) or not tokens_of(row.strip("*"))
    ]


ABROAD = Kind(
    id="mots-dangers",
    name="Mots des dangers, en d'autres langues",
    one="les mots de danger en",
    help="Les mots simples qui font reconnaître un danger dit dans une autre langue, rangés par idée. Un mot ou une expression par ligne. "
    "« burn* » : tout mot qui commence ainsi. Faites relire par une personne dont c'est la langue. Un mot retiré, qui ferait manquer un "
    "danger connu, ne peut pas être publié.",
    path="/atelier/urgences/mots",
    file="urgences_langues.yml",
    key="langues",
    title="nom",
    shown=("mots.secours", "mots.feu"),
    deeds=("", "urgence_modifiee", ""),
    check=_unheard,
    read=lambda row: {
        **row,
        "mots": {name: [word.replace("_", " ") for word in str(words).split()] for name, words in row["mots"].items()},
    },
    finish=lambda before, fields: {name: " ".join(word.replace(" ", "_") for word in words) for name, words in fields.items()},
    saved="C'est enregistré dans le brouillon. Une autre personne doit le publier.",
    fields=tuple(Field(f"mots.{name}", notion, Shape.LINES) for name, notion in NOTIONS.items()),
)

KINDS: Sequence[Kind] = (
    DESKS, SERVICES, DANGERS, PHRASES, CRIES, ABROAD,
    EVENTS, MENUS, ANSWERS, WORDS, DELEGATIONS, BODIES, NEEDS, LANGUAGES, AROUND, DOORS, AGES,
)  # fmt: skip
WEEK: Mapping[str, str] = dict(zip(DAYS, DAYS, strict=True))


def editor_of(paths: ProjectPaths, kind: Kind) -> RecordEditor:
    """Return what changes the records of a kind in a tree."""
    return BodyEditor(paths, kind) if kind is BODIES else RecordEditor(paths, kind)
