"""The pictures and sliders, one module a lesson; `picture.py` is what they share."""
