"""Typed keys of what the application carries."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web

from bot.base.settings import Settings
from bot.serving.chat import Chat
from bot.serving.engine import Engine
from bot.serving.observer import Observer
from bot.serving.refusals import Refusal
from bot.web.api.access import KeyRing
from bot.web.api.catalogue import Catalogue, Document
from bot.web.assets import Asset, Pages
from bot.web.limits import Allowance, RateLimiter
from bot.web.metrics import Metrics

ErrorPage = Callable[[web.Request, Refusal], Awaitable[web.Response]]

SETTINGS = web.AppKey("settings", Settings)
ENGINE = web.AppKey("engine", Engine)
CHAT = web.AppKey("chat", Chat)
CATALOGUE: web.AppKey[list[Catalogue]] = web.AppKey("catalogue")
"""The one in use, once it is built."""
OPENAPI = web.AppKey("openapi", Document)
KEYS = web.AppKey("keys", KeyRing)
LIMITER = web.AppKey("limiter", RateLimiter)
ERROR_PAGES: web.AppKey[Mapping[str, ErrorPage]] = web.AppKey("error_pages")
"""By path: pages that give back what was typed when a form is refused."""
ASSETS: web.AppKey[Mapping[str, Asset]] = web.AppKey("assets")
OBSERVER: web.AppKey[Observer] = web.AppKey("observer")
METRICS: web.AppKey[Metrics] = web.AppKey("metrics")
PAGES = web.AppKey("pages", Pages)

REQUEST_ID = web.RequestKey("request_id", str)
ALLOWANCE = web.RequestKey("allowance", Allowance)
ENGINE_USED = web.RequestKey("engine_used", str)
