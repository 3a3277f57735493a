"""`codekin completion`: the script by which a shell completes commands and options."""

import click

from codekin.cli.params import DEBUG

_SHELLS = ("bash", "zsh", "fish", "powershell")
_VARIABLE = "_CODEKIN_COMPLETE"  # what click looks for, by the program's name
_POWERSHELL = """\
Register-ArgumentCompleter -Native -CommandName codekin -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    $words = @($commandAst.CommandElements | Select-Object -Skip 1 | ForEach-Object { $_.ToString() })
    $env:COMP_WORDS = (@('codekin') + $words) -join "`n"
    $env:COMP_CWORD = $wordToComplete
    $env:_CODEKIN_COMPLETE = 'fish_complete'
    codekin | ForEach-Object {
        $value = ($_ -split ',', 2)[1] -split "`t", 2
        if ($value[0]) { [System.Management.Automation.CompletionResult]::new($value[0]) }
    }
    Remove-Item Env:COMP_WORDS, Env:COMP_CWORD, Env:_CODEKIN_COMPLETE
}
"""


@click.command()
@click.argument("shell", type=click.Choice(_SHELLS))
@DEBUG
@click.pass_context
def completion(context: click.Context, shell: str) -> int:
    """Print the completion script of a shell.

    For bash: eval "$(codekin completion bash)", in ~/.bashrc; zsh likewise. For fish: codekin completion fish | source.
    For PowerShell: codekin completion powershell | Out-String | Invoke-Expression.
    """
    from click.shell_completion import get_completion_class

    from codekin.cli import console

    if shell == "powershell":
        console.write(_POWERSHELL.rstrip("\n"))
        return 0
    completion_class = get_completion_class(shell)
    assert completion_class is not None  # noqa: S101 (click has these)
    completer = completion_class(context.find_root().command, {}, "codekin", _VARIABLE)
    console.write(completer.source_template % completer.source_vars())
    return 0
