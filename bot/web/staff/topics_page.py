"""The topics: search, create with a preview, change, and the phrases of each; the linter speaks on every page."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from aiohttp import web

from bot.base.errors import AssistantError, EditConflict, EditError, ModelError
from bot.learning.loading import shared_model
from bot.learning.store import StoredModel
from bot.referential import Referential
from bot.referential.ages import due_facts
from bot.referential.hours import PARIS
from bot.referential.models import FACT_KINDS
from bot.routing.decision import OUTSIDE
from bot.serving.view import card_view
from bot.staff.accounts.accounts import Role
from bot.staff.candidates.review import reader_of
from bot.staff.editing.conflicts import differences
from bot.staff.editing.linting import Remark, lint_doubts, lint_known, lint_phrase, lint_topic, preview
from bot.staff.editing.topic_editor import FACT_NAMES, NAMES, TopicEditor, suggest_id
from bot.staff.editing.workspace import unique
from bot.staff.inbox.inbox import Inbox
from bot.staff.inbox.meaning import alike_in_meaning
from bot.staff.nearness import index_of
from bot.web.staff.deeds import say_change
from bot.web.staff.drafts_page import draft_of
from bot.web.staff.forms import line, lines, loose, others_words
from bot.web.staff.framework import Pagination, actor, flash, needs, page, read_all, read_form, redirect, workshop
from bot.web.staff.plain_words import names_of
from bot.web.staff.topics import choices_of, resolve, search

PATH = "/atelier/sujets"
NEW = f"{PATH}/nouveau"
CHECK = f"{PATH}/verifier"
ONE = PATH + r"/{id:[a-z][a-z0-9_]{0,62}}"
SIZE = 30
ROWS = 3
HEARD, HEARD_AMONG, LOOKED_UP = 6, 200, 5
"""Messages of the inbox shown as ideas, among how many, and phrases they are compared with."""
AUDIENCES = {"citoyen": "le public", "partenaire": "les partenaires", "agent": "les agents"}
HELP = (
    "Un sujet est une demande, avec la porte où frapper et la première chose à faire. Ses phrases montrent à l'assistant comment "
    "les gens en parlent. Les phrases attendent dans le brouillon. Une fois publiées, elles sont comprises tout de suite, mot pour "
    "mot. Un entraînement les étend."
)
HELP_NEW = (
    "Écrivez ce que le public doit savoir, puis des phrases comme les gens les écrivent. La page vous dit au fur et à mesure ce "
    "qu'il faut corriger, et montre la carte telle que le public la verra."
)


def add(app: web.Application) -> None:
    """Add the pages."""
    app.add_routes(
        [
            web.get(PATH, show),
            web.get(NEW, show_new),
            web.post(NEW, create),
            web.post(CHECK, check),
            web.get(ONE, show_one),
            web.post(ONE, edit),
            web.post(ONE + "/phrases", change_phrases),
            web.post(ONE + "/gestes", change_topic),
        ]
    )


@dataclass
class TopicForm:
    """What a person typed.

    Args:
        values: plain values of the record.
        phrases: one per line of the field.
        id, service: of the topic.
        version: of the sheet that was read.
        message: of the inbox it was made from, or "".
    """

    values: dict[str, Any] = field(default_factory=dict)
    phrases: tuple[str, ...] = ()
    id: str = ""
    service: str = ""
    version: str = ""
    message: str = ""


async def show(request: web.Request) -> web.StreamResponse:
    """GET: search the topics."""
    referential = workshop(request).drafted()
    choices = choices_of(referential)
    words, service = request.query.get("q", "")[:100], request.query.get("service", "")
    found = list(search(choices, words)) if words.strip() else list(choices.values())
    found = [c for c in found if not service or referential.topics[c.id].service == service]
    stale: dict[str, list[str]] = {}
    for fact in due_facts(referential, date.today()):
        if fact.kind != "guichet":
            stale.setdefault(fact.owner, []).append(FACT_NAMES[fact.kind])
    only_stale = request.query.get("perimes", "") == "oui"
    found = [c for c in found if c.id in stale or not only_stale]
    pagination = Pagination.of(request, len(found), SIZE)
    return page(
        request,
        "sujets.html",
        section="sujets",
        titre="Sujets",
        aide=HELP,
        recherche=words,
        service=service,
        services=_services(referential),
        dehors={s.id for s in referential.services.values() if s.delegation == OUTSIDE},
        lignes=found[pagination.offset : pagination.offset + SIZE],
        perimes=stale,
        seulement_perimes=only_stale,
        pagination=pagination,
    )


@needs(Role.EDITOR)
async def show_new(request: web.Request) -> web.StreamResponse:
    """GET: the empty form, or one started from a message of the inbox."""
    phrase = request.query.get("phrase", "")[:2000].strip()
    message = request.query.get("message", "")
    form = TopicForm({"public": ["citoyen"]}, (phrase,) if phrase else (), message=message if message.isdecimal() else "")
    return _form_page(request, form, new=True)


@needs(Role.EDITOR)
async def create(request: web.Request) -> web.StreamResponse:
    """POST: preview, or create."""
    form = await _read(request)
    form.id = form.id or suggest_id(form.values.get("libelle", ""), tuple(workshop(request).drafted().topics))
    if (await read_form(request)).get("geste") == "apercu":
        return _form_page(request, form, new=True)
    try:
        if not form.phrases:
            raise EditError("Écrivez au moins une phrase, comme les gens la diraient.")
        change = TopicEditor(draft_of(request)).create(form.id, form.service, form.values, form.phrases, actor(request))
    except EditError as error:
        return _form_page(request, form, new=True, mistakes=str(error).splitlines(), status=422)
    say_change(request, change, "Le sujet est enregistré dans le brouillon. Publiez-le : ses phrases seront comprises aussitôt.")
    if form.message:
        try:
            workshop(request).inbox().settle_written(int(form.message), form.id, actor(request))
        except AssistantError as error:
            flash(request, str(error), "attention")
    return redirect(f"{PATH}/{form.id}")


@needs(Role.EDITOR)
async def check(request: web.Request) -> web.StreamResponse:
    """POST: what the linter says and the preview, as a piece of page; for the script, while one types."""
    form = await _read(request)
    return page(request, "verification.html", section="sujets", titre="Vérification", piece=True, **_checked(request, form))


async def show_one(request: web.Request) -> web.StreamResponse:
    """GET: one topic, to read or change."""
    sheet = TopicEditor(workshop(request).drafts.edited).read(request.match_info["id"])
    form = TopicForm(dict(sheet.values), workshop(request).writer.phrases(sheet.id), sheet.id, sheet.service, sheet.version)
    return _form_page(request, form)


@needs(Role.EDITOR)
async def edit(request: web.Request) -> web.StreamResponse:
    """POST: preview, or change the record."""
    form = await _read(request)
    form.id = request.match_info["id"]
    editor = TopicEditor(workshop(request).drafts.edited)
    sheet = editor.read(form.id)
    form.service = sheet.service
    form.values |= others_words(await read_form(request), form.values, sheet.values)
    form.phrases = workshop(request).writer.phrases(form.id)
    if (await read_form(request)).get("geste") == "apercu":
        return _form_page(request, form)
    try:
        change = TopicEditor(draft_of(request)).edit(form.id, form.values, form.version, actor(request))
    except EditConflict as conflict:
        form.version = conflict.version
        return _form_page(request, form, conflict=conflict, status=409)
    except EditError as error:
        return _form_page(request, form, mistakes=str(error).splitlines(), status=422)
    say_change(request, change, "Le sujet est enregistré dans le brouillon. Publiez-le pour que le public le voie.")
    return redirect(f"{PATH}/{form.id}")


@needs(Role.EDITOR)
async def change_phrases(request: web.Request) -> web.StreamResponse:
    """POST: add, move or remove a phrase."""
    topic = request.match_info["id"]
    form, writer, author = await read_form(request), workshop(request).writer, actor(request)
    try:
        if form.get("retirer"):
            change = writer.remove_phrase(topic, form["retirer"], author)
            say_change(request, change, "Phrase retirée. Cela attend dans le brouillon.")
        elif form.get("deplacer"):
            target = resolve(choices_of(workshop(request).drafted()), form.get("vers", ""))
            change = writer.move_phrase(form["deplacer"], topic, target, author)
            say_change(request, change, "Phrase déplacée. Cela attend dans le brouillon.")
        else:
            added = lines(form, "phrase")
            if not added:
                raise EditError("Écrivez une phrase.")
            index = index_of(workshop(request).paths)
            warnings = [r.text for phrase in added for r in lint_phrase(index, phrase, topic) if r.level != "erreur"]
            change = writer.add_phrases(topic, added, author)
            said = "Phrase ajoutée" if len(added) == 1 else "Phrases ajoutées"
            say_change(request, change, f"{said} au brouillon. Publiez-le pour que le public soit compris.")
            for warning in warnings[:5]:
                flash(request, warning, "attention")
    except EditError as error:
        flash(request, str(error), "erreur")
    return redirect(f"{PATH}/{topic}")


@needs(Role.EDITOR)
async def change_topic(request: web.Request) -> web.StreamResponse:
    """POST: rename, merge, move to another service, or retire."""
    topic = request.match_info["id"]
    form, author = await read_form(request), actor(request)
    editor, act = TopicEditor(draft_of(request)), form.get("geste")
    try:
        if act == "renommer":
            new = form.get("identifiant", "").strip()
            say_change(request, editor.rename(topic, new, author), "Le sujet a un nouvel identifiant. Cela attend dans le brouillon.")
            topic = new
        elif act == "fusionner":
            target = resolve(choices_of(workshop(request).drafted()), form.get("avec", ""))
            say_change(request, editor.merge(topic, target, author), "Les deux sujets n'en font plus qu'un. Cela attend dans le brouillon.")
            topic = target
        elif act == "confier":
            say_change(
                request, editor.move(topic, form.get("service", ""), author), "Le sujet a changé de service. Cela attend dans le brouillon."
            )
        elif act == "retirer":
            change = editor.retire(topic, form.get("motif", ""), author, date.today())
            say_change(request, change, "Le sujet est retiré. Sa fiche et ses phrases sont gardées. Cela attend dans le brouillon.")
            return redirect(PATH)
        else:
            raise EditError("Ce geste n'existe pas.")
    except EditError as error:
        flash(request, str(error), "erreur")
    return redirect(f"{PATH}/{topic}")


async def _read(request: web.Request) -> TopicForm:
    form = await read_form(request)
    values: dict[str, Any] = {
        "libelle": line(form, "libelle"),
        "public": [a for a in await read_all(request, "public") if a in AUDIENCES],
        "premier_geste": line(form, "premier_geste"),
        "precisions": lines(form, "precisions"),
        "a_apporter": lines(form, "a_apporter"),
        "organisme": line(form, "organisme"),
        "guichet": line(form, "guichet"),
        "nom_actuel": line(form, "nom_actuel"),
        "source": line(form, "source"),
        "verifie_le": line(form, "verifie_le"),
        "a_valider": form.get("a_valider") == "oui",
        "services_associes": [],
    }
    link = {"libelle": line(form, "lien_libelle"), "url": line(form, "lien_url")}
    values["lien"] = link if any(link.values()) else None
    for i in range(ROWS):
        service = line(form, f"associe_{i}")
        if service:
            values["services_associes"].append({"service": service, "raison": line(form, f"raison_{i}")})
    with contextlib.suppress(ValueError):
        values["verifie_le"] = date.fromisoformat(values["verifie_le"])
    values["fiche"], values["faits"] = _facts(form)
    phrases = unique(lines(form, "phrases"))
    return TopicForm(values, phrases, line(form, "identifiant"), line(form, "service"), line(form, "version"), line(form, "message"))


def _facts(form: Mapping[str, str]) -> tuple[dict[str, Any] | None, dict[str, Any]]:
    """Return the sheet and the facts that were typed; what is empty is left out."""

    def typed(prefix: str, *names: str) -> dict[str, Any]:
        rows = {name: line(form, f"{prefix}_{name}") for name in names}
        return {name: value for name, value in rows.items() if value}

    sheet = typed("fiche", "numero", "titre", "date", "espace")
    facts = typed("faits", *FACT_KINDS, "verifie_le")
    official_form = typed("formulaire", "libelle", "numero", "url")
    for record, name in ((sheet, "date"), (facts, "verifie_le")):
        with contextlib.suppress(ValueError, KeyError):
            record[name] = date.fromisoformat(record[name])
    if official_form:
        facts["formulaire"] = official_form
    if form.get("fiche_papiers") == "oui":
        sheet["papiers"] = True
    return (sheet if sheet.keys() - {"espace", "papiers"} else None), facts


def _form_page(
    request: web.Request,
    form: TopicForm,
    *,
    new: bool = False,
    mistakes: Sequence[str] = (),
    conflict: EditConflict | None = None,
    status: int = 200,
) -> web.Response:
    referential = workshop(request).drafted()
    return page(
        request,
        "sujet.html",
        section="sujets",
        titre="Nouveau sujet" if new else form.values.get("libelle") or form.id,
        aide=HELP_NEW if new else HELP,
        status=status,
        nouveau=new,
        f=form,
        v=loose(form.values),
        fautes=mistakes,
        conflit=differences(conflict.current, conflict.proposed, NAMES, names_of(referential)) if conflict else (),
        publics=AUDIENCES,
        faits=[(kind, FACT_NAMES[kind]) for kind in FACT_KINDS],
        rangs=range(ROWS),
        vide=loose({}),
        services=_services(referential),
        dehors={s.id for s in referential.services.values() if s.delegation == OUTSIDE},
        guichets=sorted((d.id, d.nom) for d in referential.entry_points.values()),
        sujets=choices_of(referential),
        chemin=PATH,
        **_checked(request, form),
    )


def _checked(request: web.Request, form: TopicForm) -> dict[str, Any]:
    referential = workshop(request).drafted()
    remarks: list[Remark] = lint_topic(referential, index_of(workshop(request).paths), form.id, form.service, form.values, form.phrases)
    card = preview(referential, form.id, form.service, form.values)
    names = {i: t.libelle for i, t in referential.topics.items()}
    label = str(form.values.get("libelle") or "")
    heard: list[tuple[int, str]] = []
    with contextlib.suppress(ModelError):  # without a model, no other topic nor message is found
        stored = shared_model(workshop(request).paths.router_model)
        if form.id not in referential.topics:
            reader, index = reader_of(stored.model), index_of(workshop(request).paths)
            remarks += lint_known(referential, reader, label, form.phrases) + lint_doubts(referential, reader, index, form.phrases)
        heard = _heard(workshop(request).inbox(), stored, [label, *form.phrases[:LOOKED_UP]])
    return {
        "entendus": heard,
        "remarques": sorted(remarks, key=lambda r: r.level != "erreur"),
        "carte_publique": card_view(card, datetime.now(PARIS)) if card else None,
        "noms": names,
    }


def _heard(inbox: Inbox, stored: StoredModel, texts: Sequence[str]) -> list[tuple[int, str]]:
    """Return the waiting messages of the public that seem to ask the same, as ideas of phrases."""
    waiting = inbox.waiting_texts(limit=HEARD_AMONG)
    found = dict.fromkeys(i for text in texts if text.strip() for i in alike_in_meaning(text, waiting, stored))
    return [(i, waiting[i]) for i in found if waiting[i] not in texts][:HEARD]


def _services(referential: Referential) -> list[tuple[str, str]]:
    return sorted(((s.id, s.nom_clair) for s in referential.services.values()), key=lambda s: s[1])
