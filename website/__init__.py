"""The site of the documents: its pages, its reference and its pictures. `make docs` builds it into ``.site/html``."""
