"""The unpacked tables say what the package says, and a damaged or missing copy costs time only."""

from __future__ import annotations

from pathlib import Path

import pytest
from py3langid.langid import MODEL_FILE, LanguageIdentifier

from bot.language.identifier import load_identifier

OURS = ("fr", "es", "ar", "ru")
SAID = ("buenos días, perdí mi permiso de conducir", "je voudrais refaire ma carte grise", "потерял паспорт", "ضاع جواز سفري", "")


@pytest.fixture(scope="module")
def package() -> LanguageIdentifier:
    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    identifier.set_languages(OURS)
    return identifier


def test_the_copy_answers_as_the_package_even_damaged(tmp_path: Path, package: LanguageIdentifier) -> None:
    folder = tmp_path / "langues"
    expected = [package.rank(text) for text in SAID]
    for damage in ("", "suites.npy", "manifeste.json"):  # made, found damaged and made again
        if damage:
            (folder / damage).write_bytes(b"{}")
        assert [load_identifier(folder, OURS).rank(text) for text in SAID] == expected
        assert (folder / "suites.npy").stat().st_size > 1_000_000


def test_without_a_folder_to_write_to_the_package_is_read(tmp_path: Path, package: LanguageIdentifier) -> None:
    identifier = load_identifier(tmp_path / "absent" / "langues", OURS)
    assert [identifier.rank(text) for text in SAID] == [package.rank(text) for text in SAID]
    assert not (tmp_path / "absent").exists()


def test_an_unknown_language_is_told(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="klingon"):
        load_identifier(tmp_path / "langues", ("fr", "klingon"))
