"""Files are whole or as they were, locks hold between processes, records that cannot be read are empty."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from bot.base.files import digest_of, drafting, locked, put_in_place, read_json, replacing, sha256_of, try_lock, write_json, write_text


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_write_that_fails_leaves_the_old_file_and_no_draft(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    write_text(target, "avant")
    with pytest.raises(ZeroDivisionError), replacing(target) as stream:
        stream.write(b"apres")
        _ = 1 / 0
    assert target.read_text(encoding="utf-8") == "avant"
    assert names(tmp_path) == ["a.txt"]


def test_permissions_are_kept_or_set(tmp_path: Path) -> None:
    target = tmp_path / "dossier" / "a.json"
    for asked, found in ((None, 0o644), (0o600, 0o600), (None, 0o600)):
        write_json(target, {"é": 1}, asked)
        assert stat.S_IMODE(target.stat().st_mode) == found
    assert read_json(target) == {"é": 1}


@pytest.mark.parametrize("content", [None, b"", b"[1]", b"{", b"\xff"])
def test_a_record_that_cannot_be_read_is_empty(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "a.json").write_bytes(content)
    assert read_json(tmp_path / "a.json") == {}


@pytest.mark.parametrize("before", ["nothing", "folder", "link"])
def test_a_draft_takes_the_place_of_what_was_there(tmp_path: Path, before: str) -> None:
    folder, kept = tmp_path / "modele", tmp_path / "registre"
    kept.mkdir()
    (kept / "ancien").touch()
    if before == "folder":
        folder.mkdir()
        (folder / "ancien").touch()
    elif before == "link":
        folder.symlink_to(kept)
    with drafting(folder) as draft:
        (draft / "neuf").touch()
        put_in_place(draft, folder)
    assert names(folder) == ["neuf"] and not folder.is_symlink()
    assert names(kept) == ["ancien"]
    assert names(tmp_path) == ["modele", "registre"]


def test_a_lock_is_held_once_and_given_back(tmp_path: Path) -> None:
    place = tmp_path / "dossier" / "verrou"
    with locked(place):
        assert try_lock(place) is None
        with pytest.raises(TimeoutError), locked(place, seconds=0):
            raise AssertionError("held twice")
    lock = try_lock(place)
    assert lock is not None
    lock.close()


def test_digests_tell_names_and_contents_apart(tmp_path: Path) -> None:
    first, second = tmp_path / "a", tmp_path / "b"
    first.write_bytes(b"x")
    second.write_bytes(b"x")
    assert sha256_of(first) == sha256_of(second) == "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"
    assert len({digest_of([first]), digest_of([second]), digest_of([first, second]), digest_of([first], "sel")}) == 4
