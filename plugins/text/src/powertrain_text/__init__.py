"""Text for powertrain: files and tables of text, tokenizers, BERT, Llama, pretrained language models, recipes."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from powertrain_text.json_schema import JsonSchema
    from powertrain_text.pretrained import LanguageModel, chat_tokens, load
    from powertrain_text.sentences import SentenceEncoder, load_encoder

__all__ = ["JsonSchema", "LanguageModel", "SentenceEncoder", "chat_tokens", "load", "load_encoder"]
_HOMES = {
    "JsonSchema": "json_schema", "LanguageModel": "pretrained", "SentenceEncoder": "sentences",
    "chat_tokens": "pretrained", "load": "pretrained", "load_encoder": "sentences",
}  # fmt: skip


def __getattr__(name: str) -> Any:
    """What only those need who write texts, imported when it is asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}; expected one of {', '.join(__all__)}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
