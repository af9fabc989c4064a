"""The pages of other sites that show the assistant: with a strict policy, and with style sheets that would spoil it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

HOSTILE = """
* { box-sizing: content-box; }
p { margin: 50px; color: red; }
button { float: left; text-transform: uppercase; letter-spacing: 5px; font-size: 40px; background: yellow; border-radius: 0; }
a { color: lime; display: block; }
h2, h3, label, textarea { font: italic 40px serif; }
ul { list-style: square; padding: 90px; }
.carte, .message, .urgence { display: none; }
.etiquette { color: rgb(1, 2, 3); }
html { font-size: 62.5%; }
"""
CALM = (
    "body { font: 18px/1.6 sans-serif; max-width: 50rem; margin: 3rem auto; "
    "padding: 0 1rem; color: #222; } .etiquette { font-weight: bold; }"
)
PAGE = """<!doctype html><html lang="fr"><head><meta charset="utf-8"><title>La mairie</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="/hote.css"></head>
<body><main><h1>La mairie de Concots</h1><p id="texte">Bienvenue.</p><div class="etiquette">Actualités</div>
<button id="bouton">Menu</button>{contenu}</main></body></html>"""
WIDGET = (
    '<script type="module" src="{assistant}/widget.js"></script><assistant-lot><a '
    'href="{assistant}/">Ouvrir l’assistant</a></assistant-lot>'
)
FRAME = '<iframe title="Assistant de la préfecture du Lot" src="{assistant}/cadre" width="380" height="640"></iframe>'
POLICY = "default-src 'none'; style-src 'self' {assistant}; script-src {assistant}; connect-src {assistant}; frame-src {assistant}"
"""What a host with a strict policy must allow: see docs/guide-integration.md."""


@contextmanager
def host_site(css: str = HOSTILE) -> Iterator[tuple[str, list[str]]]:
    """Serve ``/widget`` and ``/cadre`` as another site would.

    Yields its origin, and a list whose only item is the address of the assistant: it may be set once both are known.
    """
    known = [""]

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body, kind = css, "text/css"
            if self.path != "/hote.css":
                content = {"/widget": WIDGET, "/cadre": FRAME}.get(self.path, "")
                body, kind = PAGE.replace("{contenu}", content.replace("{assistant}", known[0])), "text/html; charset=utf-8"
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Security-Policy", POLICY.replace("{assistant}", known[0]))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://localhost:{server.server_address[1]}", known  # not 127.0.0.1: another site for cookies
    finally:
        server.shutdown()
        server.server_close()
