"""What tools/help_texts.py packs for `help`."""

RECORD: bytes
TEXTS: bytes
