"""`flask metrics serve`: the figures of a machine that runs workers and no web server."""

import os
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import click
from flask import current_app

from dispatcher import metrics

if TYPE_CHECKING:
    from collections.abc import Iterable
    from wsgiref.types import StartResponse, WSGIEnvironment


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Nobody need know of each scrape."""


@click.group("metrics")
def group() -> None:
    """Figures for Prometheus."""


@group.command()
@click.option("--bind", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), required=True, help="Port to listen on; 0: any.")
def serve(bind: str, port: int) -> None:
    """Show what the processes of this machine count, to whoever has METRICS_TOKEN."""
    token = current_app.config["METRICS_TOKEN"]
    if not token:
        raise click.ClickException("METRICS_TOKEN must be set, here and for the workers.")
    named = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    folder = Path(named) if named else current_app.config["DATA_DIR"] / "metrics"
    if not folder.is_dir():
        raise click.ClickException(f"There is no {folder}: no worker has run here with METRICS_TOKEN.")

    def answer(environ: "WSGIEnvironment", start: "StartResponse") -> "Iterable[bytes]":
        if environ["PATH_INFO"] != "/metrics":
            start("404 Not Found", [("Content-Type", "text/plain")])
            return [b"try /metrics\n"]
        if not metrics.permitted(token, environ.get("HTTP_AUTHORIZATION", "")):
            start("401 Unauthorized", [("Content-Type", "text/plain"), ("WWW-Authenticate", "Bearer")])
            return [b"a bearer token is needed\n"]
        body, content_type = metrics.exposition(environ.get("HTTP_ACCEPT", ""), folder=folder)
        start("200 OK", [("Content-Type", content_type)])
        return [body]

    with make_server(bind, port, answer, _Server, _Quiet) as server:
        click.echo(f"http://{bind}:{server.server_port}/metrics")
        server.serve_forever()
