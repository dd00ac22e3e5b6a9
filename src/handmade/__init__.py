"""Handmade GPT: write every part of a GPT by hand, and have each part checked as soon as it is written."""

__version__ = "0.1.0"
