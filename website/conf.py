"""Settings of Sphinx."""

from __future__ import annotations

import tomllib

from website.places import ROOT

_PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

project = "ElastiCache from code"
smartquotes = False  # they make one dash of the two in a pattern
version = release = _PROJECT["version"]
copyright = ""  # noqa: A001 - Sphinx names it so
html_show_copyright = html_show_sphinx = False

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "website.extension",
]

myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 4
myst_links_external_new_tab = False

default_role = "py:obj"  # a name between backticks in a docstring is a link if it has a page
add_module_names = False
python_maximum_signature_line_length = 80
python_use_unqualified_type_names = True
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_member_order = "bysource"
autodoc_default_options = {"undoc-members": True, "show-inheritance": False}
autodoc_preserve_defaults = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True

html_theme = "furo"
html_title = "ElastiCache from code"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sourcelink = False
html_theme_options = {"navigation_with_keys": True}
pygments_style = "a11y-high-contrast-light"
pygments_dark_style = "a11y-high-contrast-dark"
copybutton_prompt_text = "$ "
copybutton_only_copy_prompt_lines = True
copybutton_remove_prompts = True
