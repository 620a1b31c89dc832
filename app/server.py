"""The dashboard's server: Streamlit's ASGI app with our routes and middleware.

Start it from the repository's root (where `.streamlit/config.toml` lies), as `radpulse serve` does:

    RADPULSE_CONFIG=data/demo/radpulse.toml python -m streamlit run app/server.py --server.port 8501

`streamlit run` finds the `st.App` named `app` below and serves it with uvicorn on 127.0.0.1:8501, with every lock
of the configuration file. (`uvicorn app.server:app` works too, but then uvicorn's own host and port count.)
"""

from __future__ import annotations

import logging
import traceback
import uuid
from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from streamlit import config
from streamlit.runtime.pages_manager import PagesManager

from app import data
from app.board import board_route
from app.exports import export_route
from app.headers import SecurityHeaders
from etl.errors import RadpulseError

log = logging.getLogger("radpulse.app")


async def healthz(_request: Request) -> Response:
    """Answer 200 with the published version when pages can be served, else 503 with the reason."""
    try:
        version = data.current_version()
    except RadpulseError as error:
        return JSONResponse({"status": "unready", "reason": str(error)}, status_code=503)
    return JSONResponse({"status": "ok", "data_version": version}, headers={"cache-control": "no-store"})


def on_script_error(error: Exception) -> bool:
    """Log where a page failed under a correlation id and show that id, never the values in the traceback."""
    reference = uuid.uuid4().hex[:8]
    frames = [f"{Path(f.filename).name}:{f.lineno} {f.name}" for f in traceback.extract_tb(error.__traceback__)[-6:]]
    log.error("page failed %s %s at %s", reference, type(error).__name__, " < ".join(reversed(frames)))
    if isinstance(error, RadpulseError):
        st.warning(f"{error} (reference {reference})", icon=":material/info:")
    else:
        st.error(
            f"This page could not be drawn. Nothing was changed and your filters are kept. Reload the page; if it "
            f"happens again, give the administrator the reference {reference}.",
            icon=":material/error:",
        )
    return True


# A `pages` folder beside the main script is run file by file, without main.py, until st.navigation is first called:
# a cold start at /turnaround would skip the principal check. Say beforehand that pages come from navigation only.
PagesManager.uses_pages_directory = False

app = st.App(
    Path(__file__).resolve().parent / "main.py",
    routes=[
        Route("/healthz", healthz, methods=["GET"]),
        Route("/exports/{token}", export_route, methods=["GET"]),
        Route("/board/{token}", board_route, methods=["GET"]),
    ],
    middleware=[
        Middleware(SecurityHeaders),
        Middleware(TrustedHostMiddleware, allowed_hosts=config.get_option("server.allowedHosts") or ["localhost"]),
    ],
    on_script_error=on_script_error,
)
