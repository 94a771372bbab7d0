"""PettingZoo's own tests import one of its games in the way that it has deprecated itself."""

import importlib
import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    importlib.import_module("pettingzoo.test")
