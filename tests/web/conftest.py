"""Shared by the tests of the web side."""

from __future__ import annotations

import pytest


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "navigateur: needs Chromium; deselect with -m 'not navigateur'")
