"""The modules of the emulator that this package touches; it has no type information."""

from __future__ import annotations

import importlib
from typing import Any

iam_actions: Any = importlib.import_module("ministack.core.iam_actions")
iam_evaluator: Any = importlib.import_module("ministack.core.iam_evaluator")
rds_iam: Any = importlib.import_module("ministack.core.rds_iam")
lambda_runtime: Any = importlib.import_module("ministack.core.lambda_runtime")
ec2: Any = importlib.import_module("ministack.services.ec2")
elasticache: Any = importlib.import_module("ministack.services.elasticache")
iam: Any = importlib.import_module("ministack.services.iam")
kms: Any = importlib.import_module("ministack.services.kms")
lambda_service: Any = importlib.import_module("ministack.services.lambda_svc")
rds: Any = importlib.import_module("ministack.services.rds")
secretsmanager: Any = importlib.import_module("ministack.services.secretsmanager")
sns: Any = importlib.import_module("ministack.services.sns")
sts: Any = importlib.import_module("ministack.services.sts")
tagging: Any = importlib.import_module("ministack.services.tagging")

NAMES = {
    "iam_actions": "core.iam_actions",
    "iam_evaluator": "core.iam_evaluator",
    "rds_iam": "core.rds_iam",
    "lambda_runtime": "core.lambda_runtime",
    "ec2": "services.ec2",
    "elasticache": "services.elasticache",
    "iam": "services.iam",
    "kms": "services.kms",
    "lambda_service": "services.lambda_svc",
    "rds": "services.rds",
    "secretsmanager": "services.secretsmanager",
    "sns": "services.sns",
    "sts": "services.sts",
    "tagging": "services.tagging",
}
"""Where each of them is within `ministack`."""
