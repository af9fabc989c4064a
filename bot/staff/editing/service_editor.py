"""Change a service: the names people say, its desk; or open a new one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from bot.base.errors import EditError
from bot.base.paths import ProjectPaths
from bot.staff.editing.record_editor import NEW_ID, RecordEditor
from bot.staff.editing.workspace import Change, check_version
from bot.staff.editing.yaml_records import record_text

SERVICES = "services"
NAMES = {
    "nom_clair": "Nom que lit le public",
    "nom": "Nom officiel",
    "sigle": "Sigle",
    "nom_actuel": "Nom actuel",
    "anciens_noms": "Autres noms que disent les gens",
    "guichet": "Guichet",
    "contact_partenaire": "Contact des partenaires",
    "source": "Source",
    "verifie_le": "Vérifié le",
}
"""What a person may set, by the name they read."""
NEEDED = ("nom_clair", "nom", "guichet", "source", "verifie_le")


class ServiceEditor(RecordEditor):
    """The services of a tree.

    Args:
        paths: the tree.
    """

    def __init__(self, paths: ProjectPaths) -> None:
        super().__init__(paths, "services.yml", SERVICES)

    def edit(self, service: str, values: Mapping[str, Any], version: str, author: str) -> Change | None:
        """Change fields of a service; returns ``None`` when nothing differs.

        Args:
            service: its id.
            values: fields of :data:`NAMES`.
            version: of the sheet the person read.
            author: name of the person.

        Raises:
            EditConflict: someone else changed this service meanwhile.
            EditError: a value is missing or wrong.
        """
        fields = _checked(values)
        done: list[Change] = []
        with self._workspace.editing(author, f"Service « {service} » modifié", done, "service_modifie", service) as draft:
            sheet = self._sheet(draft, service)
            change = {name: value for name, value in fields.items() if value or name in sheet.values}
            check_version(version, sheet.text, record_text({**sheet.values, **change}))
            records = self._records(draft)
            records.set(service, change)
            draft.write(self._file, records.text())
        return done[0] if done else None

    def create(self, service: str, delegation: str, values: Mapping[str, Any], author: str) -> Change:
        """Open a service, without any topic yet.

        Args:
            service: new id.
            delegation: id of the delegation it belongs to.
            values: fields of :data:`NAMES`.
            author: name of the person.

        Raises:
            EditError: a value is missing or wrong, or the service exists.
        """
        fields = _checked(values)
        topics = self._paths.referential / "sujets" / f"{service}.yml"
        done: list[Change] = []
        with self._workspace.editing(author, f"Nouveau service « {fields['nom_clair']} »", done, "service_cree", service) as draft:
            records = self._records(draft)
            if not NEW_ID.fullmatch(service) or service in records.ids() or draft.exists(topics):
                raise EditError("Un service porte déjà ce nom, ou presque. Choisissez-en un autre.")
            records.add({"id": service, "delegation": delegation, **{name: value for name, value in fields.items() if value}})
            draft.write(self._file, records.text())
            draft.write(topics, "sujets: []\n")
        return done[0]


def _checked(values: Mapping[str, Any]) -> dict[str, Any]:
    fields = {name: values[name] for name in NAMES if name in values}
    mistakes = [f"« {NAMES[name]} » manque." for name in NEEDED if not fields.get(name)]
    checked = fields.get("verifie_le")
    if isinstance(checked, date) and checked > date.today():
        mistakes.append("La date de vérification est dans le futur.")
    if mistakes:
        raise EditError("\n".join(mistakes))
    return fields
