"""The type checker that the import hook uses: beartype, by which an int may stand where a float is asked (PEP 484)."""

from beartype import BeartypeConf, beartype

check = beartype(conf=BeartypeConf(is_pep484_tower=True))
