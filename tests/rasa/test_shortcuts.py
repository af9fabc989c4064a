"""What our server does not do again gives what Rasa gives."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("tensorflow")

from rasa.shared.core.domain import Domain

from bot.rasa.shortcuts import read_domain

ODD = """
version: "3.1"
intents: [saluer, oui, "on", 'null', {fermer: {use_entities: []}}]
entities: [commune]
slots:
  heure: {type: text, initial_value: 12:30, influence_conversation: false, mappings: [{type: custom}]}
  rang: {type: float, initial_value: 1e3, min_value: 0.5, max_value: 2000, mappings: [{type: custom}]}
  actif: {type: bool, initial_value: True, mappings: [{type: custom}]}
  vide: {type: any, initial_value: null, mappings: [{type: custom}]}
responses:
  utter_oui:
  - text: "non"
  - text: |
      Deux lignes : « été »,
      puis 2026-11-26.
actions: [action_orienter]
session_config: {session_expiration_time: 45, carry_over_slots_to_new_session: true}
"""


@pytest.mark.parametrize("written", [ODD, (Path(__file__).resolve().parents[2] / "domain.yml").read_text(encoding="utf-8")])
def test_the_domain_is_read_as_rasa_reads_it(tmp_path: Path, written: str) -> None:
    file = tmp_path / "domain.yml"
    Domain.from_yaml(written).persist(file)
    ours, theirs = Domain.from_dict(read_domain(file)), Domain.from_path(tmp_path)
    assert ours.as_dict() == theirs.as_dict()
    assert ours.fingerprint() == theirs.fingerprint()
