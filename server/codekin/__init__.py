"""codekin finds code's kin: a language server that embeds every function of a workspace, on the user's own machine."""

import sys

__version__ = "0.1.0"

if sys.argv[:1] == ["-m"] and any(word.split(".")[0] in ("codekin", "-mcodekin") for word in sys.orig_argv):
    # `python -m codekin`: the current folder is on the path, and Python has not yet found the module that it is to run.
    from codekin.isolation import harden_process

    harden_process()
