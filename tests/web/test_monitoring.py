"""The shipped alerts and dashboard speak of metrics that exist; the internal listener of a real server gives them."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import urllib.request
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from aiohttp import web
from prometheus_client.parser import text_string_to_metric_families
from web_cluster import free_port
from web_fakes import FakeEngine
from web_process import Served, copy_of

from bot.base.paths import ProjectPaths
from bot.base.settings import Settings
from bot.staff.inbox.events import FeedbackEvent, TurnEvent
from bot.web.app import create_app
from bot.web.keys import METRICS

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
ALERTS = DEPLOY / "prometheus" / "alertes.yml"
DASHBOARD = DEPLOY / "grafana" / "assistant.json"
PROMTOOL = shutil.which("promtool")
_USED = re.compile(r"\b(?:assistant|process)_\w+")
_LABELS = re.compile(r"\b(assistant_\w+)\{([^}]*)\}")
FROM_PROMETHEUS = {"job", "instance", "le"}


def expressions() -> list[str]:
    rules = [rule["expr"] for group in yaml.safe_load(ALERTS.read_text(encoding="utf-8"))["groups"] for rule in group["rules"]]
    panels = [target["expr"] for panel in json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"] for target in panel["targets"]]
    assert len(rules) >= 8 and len(panels) >= 10
    return rules + panels


async def exposed() -> dict[str, set[str]]:
    """Return the labels of every series that a server exposes."""
    app: web.Application = create_app(Settings(), FakeEngine())
    metrics = app[METRICS]
    metrics.watch(SimpleNamespace(waiting=lambda: 3, dropped=0))  # type: ignore[arg-type]
    metrics.request("GET", "/", 200, 0.1)
    metrics.turn(TurnEvent("a", 0.0, "", "orienter", seconds=0.1))
    metrics.feedback(FeedbackEvent("a", 0.0, True))
    families = text_string_to_metric_families((await metrics.render()).decode())
    return {sample.name: set(sample.labels) for family in families for sample in family.samples}


async def test_alerts_and_dashboard_use_metrics_that_exist() -> None:
    series = await exposed()
    for expression in expressions():
        used = _USED.findall(expression)
        assert used or "up{" in expression or expression == "vector(1)", expression
        assert set(used) <= set(series), expression
        for name, selectors in _LABELS.findall(expression):
            assert {s.split("=")[0].strip(" ~!") for s in selectors.split(",")} <= series[name] | FROM_PROMETHEUS, expression
        for grouped in re.findall(r"by \(([^)]*)\)", expression):
            labels = {label.strip() for label in grouped.split(",")} - FROM_PROMETHEUS
            assert labels <= set().union(*(series[name] for name in used)), expression


@pytest.mark.needs("promtool")
def test_promtool_takes_the_alerts() -> None:
    assert PROMTOOL is not None
    for command in (("check", "rules", str(ALERTS)), ("check", "config", str(ALERTS.with_name("releves.yml")))):
        assert subprocess.run([PROMTOOL, *command], capture_output=True, timeout=30).returncode == 0


def test_every_unit_gives_the_measures_and_one_alert_never_sleeps() -> None:
    unit = (DEPLOY / "systemd" / "assistant@.service").read_text(encoding="utf-8")
    assert "--port %i --interne 127.0.0.1:1%i" in unit
    scraped = yaml.safe_load((ALERTS.parent / "releves.yml").read_text(encoding="utf-8"))["scrape_configs"][0]
    upstream = (DEPLOY / "nginx" / "processus.conf").read_text(encoding="utf-8")
    assert [f"127.0.0.1:1{port}" for port in re.findall(r"server 127\.0\.0\.1:(\d+)", upstream)] == scraped["static_configs"][0]["targets"]
    compose = yaml.safe_load((DEPLOY / "compose" / "compose.yml").read_text(encoding="utf-8"))["services"]["assistant"]
    pod = next(yaml.safe_load_all((DEPLOY / "kubernetes" / "assistant.yml").read_text(encoding="utf-8")))["spec"]["template"]["spec"]
    dockerfile = (DEPLOY / "compose" / "Dockerfile").read_text(encoding="utf-8")
    for command in (compose["command"], pod["containers"][0]["args"], json.loads(dockerfile.split("CMD ")[1])):
        assert command[-2:] == ["--interne", "0.0.0.0:8001"]
    assert compose["read_only"] and pod["containers"][0]["securityContext"]["readOnlyRootFilesystem"] and "UMask=0077" in unit
    assert "vector(1)" in expressions() and 'absent(up{job="assistant"})' in expressions()


def test_the_internal_listener_gives_the_metrics(small_tree: ProjectPaths, tmp_path: Path) -> None:
    inside = free_port()
    server = Served(copy_of(small_tree, tmp_path / "arbre"), options=("--sans-agent", "--interne", f"127.0.0.1:{inside}"))
    server.start()
    try:
        server.wait_ready()
        server.say("je veux refaire mon passeport")
        with urllib.request.urlopen(f"http://127.0.0.1:{inside}/metrics", timeout=10) as answer:
            text = answer.read().decode()
        assert "assistant_echanges_total{" in text and "assistant_attente_octets 0.0" in text and "passeport" not in text
        with pytest.raises(OSError, match="404"):
            urllib.request.urlopen(f"{server.url}/metrics", timeout=10)
    finally:
        server.stop()
