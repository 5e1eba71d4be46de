"""The shop as a Lambda function behind an HTTP API."""

from __future__ import annotations

from mangum import Mangum

from workloads.sessions.web import app

handler = Mangum(app, lifespan="off")
