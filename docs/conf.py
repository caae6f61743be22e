"""Sphinx configuration."""

from importlib.metadata import version as installed_version

project = "statsmodels_ooc"
author = "The statsmodels_ooc developers"
copyright = f"2026, {author}"
release = installed_version("statsmodels_ooc")
version = release

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "numpydoc",
]
templates_path = ["_templates"]
exclude_patterns = ["_build"]

autosummary_generate = True
autosummary_ignore_module_all = False
autodoc_inherit_docstrings = False  # statsmodels documents what is only inherited
autodoc_typehints = "none"  # the types stand in the Parameters section
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False

html_theme = "furo"
html_title = f"{project} {release}"
