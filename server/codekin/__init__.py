"""codekin finds code's kin: a language server that embeds every function of a workspace, on the user's own machine."""

__version__ = "0.1.0"
