"""What `codekin completion` prints is a script that the shell takes, and it completes commands and options."""

import shutil
import subprocess

import pytest

from .command import CODEKIN, Codekin


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "powershell"])
def test_each_shell_has_a_script(codekin: Codekin, shell: str):
    done = codekin("completion", shell)
    assert done.returncode == 0
    assert "_CODEKIN_COMPLETE" in done.stdout


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_bash_takes_the_script_and_gets_commands_and_options(codekin: Codekin):
    script = codekin("completion", "bash").stdout
    subprocess.run(["bash", "-n"], input=script, text=True, check=True)
    for words, expected in (("codekin sea", "search"), ("codekin duplicates --base", "--base-ref")):
        index = str(len(words.split()) - 1)
        done = codekin(_CODEKIN_COMPLETE="bash_complete", COMP_WORDS=words, COMP_CWORD=index)
        assert expected in done.stdout, CODEKIN
