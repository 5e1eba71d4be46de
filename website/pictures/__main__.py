"""Draw every picture again: ``python -m website.pictures``. The architecture's is drawn by ``python -m tests.docs``."""

from website.pictures.all import of_examples, written
from website.pictures.examples import templates

if __name__ == "__main__":
    for path, content in {**written(), **of_examples(templates())}.items():
        path.write_text(content, encoding="utf-8")
