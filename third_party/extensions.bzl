"""The module extension through which Bazel 7 and later get the same repositories as WORKSPACE."""

load(":repositories.bzl", "repositories")

def _external_impl(module_ctx):
    repositories(isolated = False)
    return module_ctx.extension_metadata(reproducible = True)

external = module_extension(implementation = _external_impl)
