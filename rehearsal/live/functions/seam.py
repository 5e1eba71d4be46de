"""The modules of the emulator that run functions."""

from __future__ import annotations

import importlib
from typing import Any

apigateway: Any = importlib.import_module("ministack.services.apigateway")
cloudwatch: Any = importlib.import_module("ministack.services.cloudwatch")
eventbridge: Any = importlib.import_module("ministack.services.eventbridge")
lambda_runtime: Any = importlib.import_module("ministack.core.lambda_runtime")
lambda_service: Any = importlib.import_module("ministack.services.lambda_svc")
sessions: Any = importlib.import_module("ministack.services.sts")
