"""Take the alarms on PromQL queries out of the templates below a folder: ``without_query_alarms.py FOLDER``."""

from __future__ import annotations

import json
import sys
from pathlib import Path

ALARM = "AWS::CloudWatch::Alarm"

for path in Path(sys.argv[1]).rglob("*.template.json"):
    template = json.loads(path.read_text(encoding="utf-8"))
    resources = template.get("Resources", {})
    template["Resources"] = {
        name: body
        for name, body in resources.items()
        if body["Type"] != ALARM or "EvaluationCriteria" not in body["Properties"]
    }
    path.write_text(json.dumps(template), encoding="utf-8")
