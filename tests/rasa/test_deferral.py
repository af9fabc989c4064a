"""What Rasa imports and answering never uses is put off, and is the real thing when it is used all the same."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.modele

ROOT = Path(__file__).resolve().parents[2]


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.strip()


AGENT = "import sys; import bot.rasa.agent; import rasa.graph_components.validators.default_recipe_validator; "


def test_the_agent_imports_neither_tensorflow_nor_training_tools_nor_connectors() -> None:
    heavy = (
        "{'tensorflow', 'keras', 'sklearn', 'pandas', 'matplotlib', 'boto3', 'pymongo', 'aiogram', 'slack_sdk', 'twilio', 'questionary'}"
    )
    assert run(f"{AGENT} print(*sorted({heavy} & set(sys.modules)))") == ""


def test_what_was_put_off_works_when_it_is_used() -> None:
    code = (
        f"{AGENT}"
        "from rasa.core.channels import BUILTIN_CHANNELS, UserMessage;"
        "from rasa.core.channels.channel import UserMessage as same;"
        "from rasa.utils.tensorflow.model_data import train_test_split;"
        "from rasa.cli.utils import get_validated_path;"
        "import sklearn.model_selection;"
        "print(UserMessage is same, 'telegram' in BUILTIN_CHANNELS, train_test_split([1, 2, 3, 4], test_size=2, random_state=0) =="
        " sklearn.model_selection.train_test_split([1, 2, 3, 4], test_size=2, random_state=0), callable(get_validated_path))"
    )
    assert run(code) == "True True True True"


@pytest.mark.parametrize("module", ["components", "importer", "policy", "training"])
def test_rasa_s_own_commands_put_nothing_off(module: str) -> None:
    source = (ROOT / "bot" / "rasa" / f"{module}.py").read_text(encoding="utf-8")
    assert not re.search(r"^\s*(?:from|import) .*(?:deferral|bot\.rasa\.agent)", source, re.MULTILINE)


def test_an_unknown_module_is_said() -> None:
    from bot.rasa.deferral import defer

    with pytest.raises(ModuleNotFoundError):
        defer("rasa.nexiste_pas")
