"""Fails to load: an exception while the module is imported."""

raise RuntimeError("this model cannot be imported")
