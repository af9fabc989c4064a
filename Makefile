# Deux commandes suffisent : « make run » et « make test ». Tout le reste est pour qui travaille sur le projet.
SHELL := /bin/bash
export RASA_TELEMETRY_ENABLED := false
export UV_PROJECT_ENVIRONMENT := .venv
# Vide : Python garde le code compilé, même là où cette variable est mise ; sans lui, tout démarre deux fois plus lentement.
export PYTHONDONTWRITEBYTECODE :=
UV := $(shell command -v uv 2>/dev/null || echo .outils/bin/uv)
RUN := $(UV) run --frozen --no-sync
PORT ?= 8000
PORT_INTERNE ?= 8001
PYTEST_ARGS ?=
COMPARAISON_ARGS ?=

.PHONY: run test install uv train check bench evaluate rapport comparaison erreurs captures clean

run: install ## installe tout, entraîne si besoin, sert sur http://127.0.0.1:8000 (atelier : 8001)
	$(RUN) bot serve --host 127.0.0.1 --port $(PORT) --interne 127.0.0.1:$(PORT_INTERNE)

test: install outils-de-test ## lance tous les tests
	$(RUN) pytest $(PYTEST_ARGS)

install: .venv/.pret

.venv/.pret: pyproject.toml uv.lock | uv
	$(UV) sync --frozen
	@$(RUN) python -c 'import bot.web.server, bot.web.staff.framework, bot.understanding.encoders, bot.rasa.agent' # compile ce qui sert
	@touch .venv/.pret

uv:
	@if ! command -v uv >/dev/null 2>&1 && [ ! -x .outils/bin/uv ]; then \
	  echo "· installation de uv"; \
	  python3 -m pip --version >/dev/null 2>&1 && python3 -m venv .outils >/dev/null 2>&1 && .outils/bin/pip install -q uv \
	  || { python3 -m pip install -q --user uv 2>/dev/null || python3 -m pip install -q uv --break-system-packages; \
	       mkdir -p .outils/bin && ln -sf "$$(python3 -c 'import sysconfig,shutil;print(shutil.which("uv") or sysconfig.get_path("scripts")+"/uv")')" .outils/bin/uv; }; \
	fi

.PHONY: outils-de-test
PAQUETS := chromium redis-server nginx postgresql promtool
outils-de-test: ## les tests de navigateur et de plusieurs processus demandent ces paquets de Debian ; sans eux, ils sont sautés, ou échouent si CI=true
	@if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then \
	  manquants=""; for p in $(PAQUETS); do dpkg -s $$p >/dev/null 2>&1 || manquants="$$manquants $$p"; done; \
	  if [ -n "$$manquants" ]; then echo "· installation de$$manquants"; apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $$manquants >/dev/null; fi; \
	fi

train: install ## entraîne le routeur et le modèle Rasa
	$(RUN) bot train

check: install ## style, types, frontières d'import, données, projet Rasa
	$(RUN) ruff check .
	$(RUN) ruff format --check .
	$(RUN) mypy
	$(RUN) lint-imports
	$(RUN) bot check
	PYTHONWARNINGS=ignore $(RUN) rasa data validate --quiet

evaluate: install ## mesure sur les messages jamais vus
	$(RUN) bot evaluate

rapport: install ## régénère les chiffres et les graphiques de docs/resultats.md, et docs/portes.md
	$(RUN) bot evaluate --rapport docs/resultats.md
	$(RUN) bot portes --rapport docs/portes.md

comparaison: train ## compare les façons de comprendre (vingt minutes) : docs/comparaison.md
	$(RUN) python -m scripts.mesures comparaison $(COMPARAISON_ARGS)

erreurs: train ## régénère docs/erreurs.md, avec les causes de docs/erreurs_causes.yml
	$(RUN) python -m scripts.mesures erreurs

captures: train outils-de-test ## refait les images de docs/captures : la page, puis l'atelier
	$(RUN) python tests/web/captures.py --docs
	$(RUN) python tests/web/staff/atelier_captures.py

bench: install ## compare au Rasa d'origine, débit, mémoire
	$(RUN) python -m scripts.bench

.PHONY: faults fuzz sbom
fuzz: install ## cent mille messages et vingt mille requêtes tirés au hasard (une demi-heure)
	BOT_FUZZ=100000 $(RUN) pytest --show-capture=no tests/test_fuzz.py tests/web/test_fuzz_http.py tests/web/api/test_openapi.py

faults: install outils-de-test ## provoque les pannes sur de vrais processus (vingt minutes : cent arrêts de chaque sorte) : docs/pannes.md
	BOT_PANNES=docs/pannes.md BOT_TOURS=100 $(RUN) pytest -n 0 tests/web/test_faults.py tests/web/test_cluster.py
	BOT_TOURS=200 $(RUN) pytest -n 0 -s tests/staff/test_kills.py

sbom: uv ## liste de tout ce que fixe uv.lock : sbom.json (CycloneDX 1.5)
	$(UV) export --frozen --all-groups --format cyclonedx1.5 -o sbom.json >/dev/null

clean: ## retire ce qui se reconstruit
	rm -rf models .venv .outils .pytest_cache .mypy_cache .ruff_cache
