"""The built-in recipes: `powertrain.builtin.recipes:fashion_mnist` is the path of fashion-mnist.toml in this folder."""

from pathlib import Path


def __getattr__(name: str) -> Path:
    path = Path(__file__).with_name(name.replace("_", "-") + ".toml")
    if name.startswith("_") or not path.is_file():
        raise AttributeError(f"module {__name__!r} has no recipe {name!r}")
    return path
