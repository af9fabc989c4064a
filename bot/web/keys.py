"""Typed keys of what the application carries."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web

from bot.settings import Settings
from bot.web.assets import Asset, Pages
from bot.web.chat import Chat
from bot.web.engines import ChatEngine
from bot.web.limits import RateLimiter
from bot.web.metrics import Metrics
from bot.web.observer import Observer

SETTINGS = web.AppKey("settings", Settings)
ENGINE: web.AppKey[ChatEngine] = web.AppKey("engine")
CHAT = web.AppKey("chat", Chat)
LIMITER = web.AppKey("limiter", RateLimiter)
ASSETS: web.AppKey[Mapping[str, Asset]] = web.AppKey("assets")
OBSERVER: web.AppKey[Observer] = web.AppKey("observer")
METRICS: web.AppKey[Metrics] = web.AppKey("metrics")
PAGES = web.AppKey("pages", Pages)

REQUEST_ID = web.RequestKey("request_id", str)
ENGINE_USED = web.RequestKey("engine_used", str)
