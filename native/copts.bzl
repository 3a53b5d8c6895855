"""Compiler options of our native code, in the targets so that they hold for dependents too."""

COPTS = [
    "-std=c++17",
    "-fvisibility=hidden",
    "-fvisibility-inlines-hidden",
    "-Wall",
    "-Wextra",
    "-Werror",
]
