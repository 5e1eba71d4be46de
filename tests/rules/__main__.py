"""Write `docs/service-rules.md` again."""

from tests.rules.document import DOCUMENT, document

DOCUMENT.write_text(document(), encoding="utf-8")
