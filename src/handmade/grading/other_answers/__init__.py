"""Right answers in idioms that the reference does not use: for the demo class, and for the tests of the checks."""
