"""Draw every picture again: ``python -m website.pictures``, after `make synth`."""

from website.pictures.all import written

if __name__ == "__main__":
    for path, content in written().items():
        path.write_text(content, encoding="utf-8")
