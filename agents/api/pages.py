"""`/docs`: the routes and their data on one page, which loads nothing from anywhere."""

from __future__ import annotations

import json
from html import escape
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem;
  color-scheme: light dark }
h2 code { font-size: 1.1rem } pre { overflow-x: auto; font-size: .85rem }
details { margin: .5rem 0 } section { border-top: 1px solid #8886; margin-top: 1.5rem }
"""
router = APIRouter()


@router.get("/docs", include_in_schema=False)
async def docs(request: Request) -> HTMLResponse:
    """The page."""
    page = _page(request.app.openapi())
    return HTMLResponse(page, headers={"Content-Security-Policy": POLICY})


def _page(schema: dict[str, Any]) -> str:
    routes = [
        _route(method, path, facts)
        for path, methods in schema["paths"].items()
        for method, facts in methods.items()
    ]
    shapes = [
        _folded(name, shape) for name, shape in sorted(schema["components"]["schemas"].items())
    ]
    title = escape(schema["info"]["title"])
    head = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{title} API</title><style>{STYLE}</style></head>"
    )
    first = f"<h1>{title} API</h1><p>{escape(schema['info']['description'])}</p>"
    whole = '<p>For programs: <a href="/openapi.json">openapi.json</a></p>'
    rest = "<section><h2>Data</h2>" + "".join(shapes) + "</section>"
    return f"{head}<body>{first}{whole}{''.join(routes)}{rest}</body></html>"


def _route(method: str, path: str, facts: dict[str, Any]) -> str:
    name = f"<h2><code>{method.upper()} {escape(path)}</code></h2>"
    said = escape(facts.get("description") or facts.get("summary", ""))
    shown = {key: facts[key] for key in ("parameters", "requestBody", "responses") if key in facts}
    parts = "".join(_folded(key, value) for key, value in shown.items())
    return f"<section>{name}<p>{said}</p>{parts}</section>"


def _folded(name: str, data: Any) -> str:
    text = escape(json.dumps(data, indent=2, ensure_ascii=False))
    return f"<details><summary>{escape(name)}</summary><pre>{text}</pre></details>"
