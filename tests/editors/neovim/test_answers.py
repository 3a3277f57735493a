"""Answers, in the lists that every Neovim has."""

from .conftest import Editor


def test_similar_fills_the_quickfix_list_with_kinship_and_score(editor: Editor) -> None:
    editor.do("Codekin similar")
    best = editor.quickfix()[0]
    print(editor.quickfix(), editor.terminal.until("Like"))
    assert "invoice_total" in best
