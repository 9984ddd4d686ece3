"""Text for powertrain: files and tables of text, tokenizers, BERT, bags of tokens, recipes."""
