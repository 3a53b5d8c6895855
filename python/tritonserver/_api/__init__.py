"""The Python API: a module for each class."""
