"""The configuration of the documentation's site, which `make docs` builds with Sphinx."""

import sys
from pathlib import Path

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "tools"))

project = "Powertrain"
author = "the Powertrain maintainers"
copyright = f"{author}; Apache License 2.0"
version = release = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
language = "en"
smartquotes = False  # quotes and dots in text are often code: x[..., n], mode="same"

extensions = ["myst_parser", "sphinx_copybutton", "website.extension"]
myst_enable_extensions = ["colon_fence", "fieldlist"]
myst_heading_anchors = 4
python_maximum_signature_line_length = 88
toc_object_entries = False
suppress_warnings = ["ref.python"]  # a type in a signature that two modules have, such as Batch
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

html_theme = "furo"
html_title = f"Powertrain {version}"
html_theme_options = {"navigation_with_keys": True}
html_static_path = ["static"]
html_css_files = ["site.css"]
html_js_files = ["choose_version.js"]
html_copy_source = False
html_show_sphinx = False
