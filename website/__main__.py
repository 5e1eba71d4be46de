"""Build the site: ``python -m website [FOLDER]``, by default into ``.site``. A fault of a page fails the build."""

import sys
from pathlib import Path

from website.build import build
from website.places import SITE

if __name__ == "__main__":
    raise SystemExit(build(Path(sys.argv[1]) if sys.argv[1:] else SITE))
