"""Fit how the completion's lines are weighed against each other.

    python -m codekin.evaluation.line_fitting ROOT … > server/codekin/completion/line_weights.py

A softmax over the lines with most votes, those that the n-gram model writes, and all others (see
completion/ranking.py), on cuts before statements of these repositories. Measure on others: `python -m
codekin.evaluation.completion`.
"""

import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from threading import Event

from codekin.completion.context import read_context
from codekin.completion.line_scorer import make_scorer
from codekin.completion.line_words import strip_blanks
from codekin.completion.ranking import extract_line_features, select_lines
from codekin.evaluation.completion import make_cursor, open_temporary_completer, parse_cut_options
from codekin.evaluation.ngram_fitting import Example, FittingPlan, collect_from_roots, fit_mixer, format_module
from codekin.settings import Settings

CUTS = 70  # per repository
_PLAN = FittingPlan(hidden_units=16, epochs=20, decay=3e-3)


def collect_examples(root: Path, count: int, seed: int) -> list[Example]:
    """Index a repository in a temporary folder; return two examples per cut, with and without n-gram scores."""
    examples = []
    with open_temporary_completer(root, Settings()) as (completer, corpus):
        completer.load_tokens()
        for cut in corpus.choose_cuts(count, seed):
            excluded = frozenset(corpus.hashes[snippet_number] for snippet_number in cut.excluded)
            context = read_context(make_cursor(cut))
            if not context.can_continue:
                continue
            candidates = completer.list_candidates(context, Event(), excluded)
            true_line = strip_blanks(cut.truth[0])
            # The second one is for the time in which the workspace's tokens have not been read yet.
            for scorer in (make_scorer(completer.read_cursor(context, excluded)), None):
                lines = select_lines(candidates, scorer)
                if lines:
                    is_right = [strip_blanks(votes.line) == true_line for votes in lines]
                    target = is_right.index(True) if any(is_right) else len(lines)
                    examples.append(Example(extract_line_features(lines, scorer), target))
    return examples


def main(arguments: Sequence[str] | None = None) -> int:
    """Fit on the repositories that `arguments` (None: sys.argv) name, print the weights' module, return 0."""
    options = parse_cut_options(arguments, __doc__, CUTS, seed=1)
    examples = collect_from_roots(partial(collect_examples, count=options.cuts, seed=options.seed), options)
    names = ", ".join(sorted(root.resolve().name for root in options.roots))
    origin = f"Made by codekin.evaluation.line_fitting on {len(examples) // 2:,} cuts of {names}."
    title = "Weights of the mixer of whole lines"
    sys.stdout.write(format_module(title, origin, "LINE_MIXER", fit_mixer(examples, _PLAN)))
    return 0


if __name__ == "__main__":
    from codekin.evaluation import line_fitting  # its functions are called in workers, which must find them by name

    sys.exit(line_fitting.main())
