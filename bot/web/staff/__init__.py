"""The workshop's pages, under ``/atelier/``: server-rendered, usable with the keyboard and without JavaScript.

The internal application runs in a thread and an event loop of its own (``bot.web.internal``): a handler may call the
core's blocking code (database, files, git) directly, and never makes a citizen wait. Anything longer than a second or two
belongs to a background thread or a subprocess.

How to add a page
-----------------

1. Write a module here with ``add(app)``, and name it in :func:`add_pages`::

    def add(app: web.Application) -> None:
        app.add_routes([web.get("/atelier/sujets", show), web.post("/atelier/sujets", save)])

    async def show(request: web.Request) -> web.Response:      # any account may read
        return page(request, "sujets.html", section="sujets", titre="Sujets", aide="…", lignes=...)

    @needs(Role.EDITOR)                                          # 403 with a kind page below that role
    async def save(request: web.Request) -> web.Response:
        form = await read_form(request)                          # the token and the origin are already checked
        ...
        flash(request, "Le sujet est enregistré.")               # shown once, on the next page
        return redirect("/atelier/sujets")                       # always redirect after a POST

2. Write ``templates/atelier/sujets.html``::

    {% extends "atelier/base.html" %}
    {% block page %}
      <form method="post" action="/atelier/sujets">{{ jeton }} … </form>
      {% from "atelier/macros.html" import pages %}{{ pages(pagination) }}
    {% endblock %}

   ``{{ jeton }}`` is the hidden field every POST form needs. ``titre`` (the h1 and the title) and ``aide`` (help, shown
   folded under it) come from :func:`page`. No inline style nor script: the CSP refuses them; classes are in
   ``static/atelier.css``.

3. Name it in ``navigation.SECTIONS`` when it deserves an entry of the menu.

4. Give it a step of the guided first session (``tour._STEPS``) when newcomers should see it.

The inbox links to ``/atelier/sujets/nouveau?message=ID&phrase=…`` as soon as that address exists. After a topic has been made
of a message, call ``workshop(request).inbox().settle_written(int(message), topic, actor(request))``: the message leaves the
inbox.

Also at hand: ``actor(request)`` (the account's name, for the journal and commits), ``workshop(request)`` (storage,
accounts, settings, paths, the referential and the inbox as they are now), ``Pagination.of(request, total)``,
``audit.record(connection, actor, action, target)`` to journal a deed in the same transaction.
Raise :class:`bot.web.problems.Refusal` (or any ``AssistantError``) to show a kind error page.
"""

from __future__ import annotations

from aiohttp import web


def add_pages(app: web.Application) -> None:
    """Add every page of the workshop to the internal application."""
    from bot.web.staff import (
        closures_page,
        dangers_page,
        dashboard,
        directory_page,
        drafts_page,
        entrance,
        home,
        inbox_page,
        journal_page,
        models_page,
        month_page,
        records_page,
        rehearsal_page,
        switch_page,
        topics_page,
        tour,
        trainings_page,
    )

    for module in (
        entrance,
        home,
        inbox_page,
        topics_page,
        closures_page,
        directory_page,
        drafts_page,
        trainings_page,
        models_page,
        month_page,
        rehearsal_page,
        dangers_page,
        records_page,
        dashboard,
        switch_page,
        journal_page,
        tour,
    ):
        module.add(app)
