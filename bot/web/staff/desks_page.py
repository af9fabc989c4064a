"""The desks: contacts and opening hours, with the day they were checked; those not checked for long come first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from aiohttp import web

from bot.base.errors import EditConflict, EditError
from bot.referential.ages import due_facts
from bot.staff.accounts.accounts import Role
from bot.staff.editing.conflicts import differences
from bot.staff.editing.desk_editor import DAYS, DeskEditor
from bot.staff.editing.record_editor import RecordSheet
from bot.staff.editing.topic_editor import suggest_id
from bot.web.staff.deeds import say_change
from bot.web.staff.drafts_page import draft_of
from bot.web.staff.forms import line, lines, loose
from bot.web.staff.framework import actor, needs, page, read_form, redirect, workshop

PATH = "/atelier/guichets"
NEW = f"{PATH}/nouveau"
ONE = PATH + r"/{id:[a-z][a-z0-9_]{0,62}}"
MOST = 12
"""Rows of one kind a form may send."""
HOURS = ("valeur_heure_debut_1", "valeur_heure_fin_1", "valeur_heure_debut_2", "valeur_heure_fin_2")
ADDRESS = ("complement1", "numero_voie", "code_postal", "nom_commune")
NAMES = {
    "nom": "Nom",
    "telephone": "Téléphones",
    "adresse_courriel": "Courriels",
    "formulaire_contact": "Formulaire de contact",
    "site_internet": "Sites",
    "adresse": "Adresse",
    "plage_ouverture": "Horaires",
    "commentaire_plage_ouverture": "Remarque sur les horaires",
    "information_complementaire": "Autre information",
    "x_ose": "Vérification",
}
"""Fields of a desk by the name a person reads."""
HELP = (
    "Les numéros, les adresses et les horaires que l'assistant donne. Appelez le guichet, corrigez, puis écrivez la date et qui a "
    "vérifié. Le changement attend dans le brouillon, jusqu'à sa publication."
)


def add(app: web.Application) -> None:
    """Add the pages."""
    app.add_routes([web.get(PATH, show), web.get(NEW, show_new), web.post(NEW, create), web.get(ONE, show_one), web.post(ONE, edit)])


async def show(request: web.Request) -> web.StreamResponse:
    """GET: every desk, those to check first."""
    referential = workshop(request).referential()
    stale = {f.owner for f in due_facts(referential, date.today()) if f.kind == "guichet"}
    desks = sorted(referential.entry_points.values(), key=lambda d: (d.id not in stale, d.x_ose.verifie_le or date.min, d.nom))
    return page(
        request,
        "guichets.html",
        section="guichets",
        titre="Guichets",
        aide=HELP,
        guichets=desks,
        perimes=stale,
        mois=referential.age_limits["guichet"].mois,
    )


@needs(Role.EDITOR)
async def show_new(request: web.Request) -> web.StreamResponse:
    """GET: the empty form."""
    return _form_page(request, RecordSheet("nouveau", {"x_ose": {}}, "", ""), {"x_ose": {}}, "")


@needs(Role.EDITOR)
async def create(request: web.Request) -> web.StreamResponse:
    """POST: open a desk."""
    form, referential = await read_form(request), workshop(request).drafted()
    values, delegation, source, by = _values(form, {}), form.get("delegation", ""), line(form, "source"), line(form, "verifie_par")
    typed = {**values, "x_ose": {"dis": delegation, "source": source, "verifie_par": by}}
    sheet = RecordSheet("nouveau", typed, "", "")
    try:
        checked = date.fromisoformat(form.get("verifie_le", ""))
        typed["x_ose"]["verifie_le"] = checked
        if delegation not in referential.delegations:
            raise EditError("Choisissez le service regroupé.")
        desk = suggest_id(values.get("nom", ""), tuple(referential.entry_points))
        change = DeskEditor(draft_of(request)).create(desk, delegation, values, source, checked, by, actor(request))
    except ValueError:
        return _form_page(request, sheet, typed, "", ["Écrivez la date de vérification."], status=422)
    except EditError as error:
        return _form_page(request, sheet, typed, "", str(error).splitlines(), status=422)
    say_change(request, change, "Le guichet est enregistré dans le brouillon. Publiez-le pour que le public le voie.")
    return redirect(f"{PATH}/{desk}")


async def show_one(request: web.Request) -> web.StreamResponse:
    """GET: one desk, to read or change."""
    sheet = DeskEditor(workshop(request).drafts.edited).read(request.match_info["id"])
    return _form_page(request, sheet, dict(sheet.values), sheet.version)


@needs(Role.EDITOR)
async def edit(request: web.Request) -> web.StreamResponse:
    """POST: change a desk."""
    form = await read_form(request)
    sheet = DeskEditor(workshop(request).drafts.edited).read(request.match_info["id"])
    values = _values(form, sheet.values)
    typed = {**sheet.values, **values, "x_ose": {**sheet.values["x_ose"], "verifie_par": form.get("verifie_par", "")}}
    try:
        checked = date.fromisoformat(form.get("verifie_le", ""))
        typed["x_ose"]["verifie_le"] = checked
        change = DeskEditor(draft_of(request)).edit(
            sheet.id, values, checked, form.get("verifie_par", ""), form.get("version", ""), actor(request)
        )
    except ValueError:
        return _form_page(request, sheet, typed, form.get("version", ""), ["Écrivez la date de vérification."], status=422)
    except EditConflict as conflict:
        return _form_page(request, sheet, typed, conflict.version, conflict=conflict, status=409)
    except EditError as error:
        return _form_page(request, sheet, typed, form.get("version", ""), str(error).splitlines(), status=422)
    say_change(request, change, "Le guichet est enregistré dans le brouillon. Publiez-le pour que le public le voie.")
    return redirect(f"{PATH}/{sheet.id}")


def _values(form: Mapping[str, str], known: Mapping[str, Any]) -> dict[str, Any]:
    phones = [{"valeur": line(form, f"tel_{i}"), "description": line(form, f"tel_quoi_{i}")} for i in range(MOST)]
    sites = [{"libelle": line(form, f"site_nom_{i}"), "valeur": line(form, f"site_{i}")} for i in range(MOST)]
    slots = []
    for i in range(MOST):
        slot = {"nom_jour_debut": line(form, f"jour_{i}"), "nom_jour_fin": line(form, f"jour_fin_{i}") or line(form, f"jour_{i}")}
        slot.update({name: line(form, f"{name}_{i}") for name in HOURS})
        if slot["nom_jour_debut"]:
            slots.append({k: v for k, v in slot.items() if v or k in HOURS[:2]})
    values: dict[str, Any] = {
        "telephone": [p for p in phones if p["valeur"]],
        "adresse_courriel": lines(form, "adresse_courriel"),
        "site_internet": [s for s in sites if s["valeur"]],
        "plage_ouverture": slots,
        "commentaire_plage_ouverture": line(form, "commentaire_plage_ouverture"),
        "information_complementaire": line(form, "information_complementaire"),
    }
    if "nom" in form:
        values["nom"] = line(form, "nom")
    if "numero_voie" in form:  # a place of the directory brings its own address
        first, *others = known.get("adresse") or [{}]
        typed = {name: line(form, name) for name in ADDRESS}
        values["adresse"] = [*([{**first, **typed}] if any(typed.values()) else []), *others]
    return values


def _form_page(
    request: web.Request,
    sheet: RecordSheet,
    values: Mapping[str, Any],
    version: str,
    mistakes: Sequence[str] = (),
    conflict: EditConflict | None = None,
    status: int = 200,
) -> web.Response:
    def row(name: str, i: int) -> dict[str, Any]:
        rows = values.get(name) or []
        return dict(rows[i]) if i < len(rows) else {}

    new = sheet.id == "nouveau"
    addresses = values.get("adresse") or [{}]
    least = {"telephone": 1, "site_internet": 1, "plage_ouverture": 2}
    rows = {name: [row(name, i) for i in range(max(count, len(values.get(name) or []) + 1))] for name, count in least.items()}
    return page(
        request,
        "guichet.html",
        section="guichets",
        titre="Nouveau guichet" if new else str(sheet.values.get("nom") or sheet.id),
        nouveau=new,
        adresse=loose(addresses[0]),
        delegations=[(d.id, d.nom_clair) for d in workshop(request).drafted().delegations.values()],
        aide=HELP,
        status=status,
        id=sheet.id,
        v=loose(values),
        version=version,
        lignes=loose(rows),
        jours=DAYS,
        heures=list(zip(HOURS, ("Ouvre", "Ferme", "Rouvre", "Referme"), strict=True)),
        fautes=mistakes,
        conflit=differences(conflict, NAMES) if conflict else (),
        chemin=PATH,
        aujourdhui=date.today().isoformat(),
    )
