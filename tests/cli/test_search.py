"""What `codekin search` finds and prints."""

import re

from filelock import FileLock

from codekin.settings import CacheSettings, Settings
from codekin.storage.paths import locate_index

from .command import HIT, Codekin


def test_finds_code_by_what_it_does(codekin: Codekin):
    answer = codekin.json("search", "count the words of a file")
    assert answer["hits"][0]["name"] == "count_words"
    assert all(set(hit) == HIT for hit in answer["hits"])


def test_a_name_is_qualified_and_a_module_is_called_by_its_file(codekin: Codekin):
    module_query = ("dates in and out of text", "--kind", "module")
    names = {hit["kind"]: hit["name"] for hit in codekin.json("search", *module_query)["hits"]}
    assert names == {"module": "dates.py"}
    assert codekin.json("search", "note an entry for a day")["hits"][0]["name"] == "Calendar.add_entry"
    assert " module dates.py (" in codekin("search", *module_query).stdout
    code = "def note(self, day, entry):\n    self.entries.setdefault(day, []).append(entry)\n"
    similar = codekin.json("similar", "-", "--language", "python", stdin=code)["hits"]
    assert similar[0]["name"] == "Calendar.add_entry"


def test_nothing_found_says_so_and_what_to_try(codekin: Codekin):
    completed = codekin("search", "a date", "--language", "kotlin")
    assert (completed.returncode, completed.stdout) == (1, "")
    assert "--language" in completed.stderr
    assert codekin.json("search", "a date", "--language", "kotlin", status=1)["hits"] == []
    assert "Try other words" in codekin("search", "?!").stderr


def test_what_limits_the_hits_is_kept_to_and_named_where_nothing_is_left(codekin: Codekin):
    paths = [hit["path"] for hit in codekin.json("search", "read a date")["hits"]]
    without = codekin.json("search", "read a date", "--not", paths[0])["hits"]
    assert without
    assert paths[0] not in [hit["path"] for hit in without]
    only = codekin.json("search", "read a date", "--path", paths[0], "--kind", "function")["hits"]
    assert {(hit["path"], hit["kind"]) for hit in only} == {(paths[0], "function")}
    completed = codekin("search", "read a date", "--path", "nowhere/", "--no-tests")
    assert (completed.returncode, completed.stdout) == (1, "")
    assert "Try without --path or --no-tests." in completed.stderr


def test_a_report_is_read_from_standard_input(codekin: Codekin):
    frame = '  File "/x/src/dates.py", line 1, in parse_date'
    report = f"Days are wrong\n\nTraceback (most recent call last):\n{frame}\nValueError: x\n"
    hits = codekin.json("search", "-", stdin=report)["hits"]
    assert hits[0]["name"] == "parse_date"
    assert codekin.json("search", report)["hits"] == hits
    completed = codekin("search", "-", stdin=" \n")
    assert completed.returncode == 2
    assert "no issue report or traceback on standard input" in completed.stderr


def test_lines_can_be_grepped_and_have_no_escape_codes(codekin: Codekin):
    completed = codekin("search", "read a date", FORCE_COLOR="")
    assert completed.returncode == 0
    assert completed.stderr == ""
    for line in completed.stdout.splitlines():
        assert re.fullmatch(r"[^:\x1b]+:\d+: [01]\.\d\d \w+ \S+ \([^\x1b]+\)", line)


def test_while_another_codekin_keeps_the_index_it_answers_from_what_is_there(own_codekin: Codekin):
    own_codekin.json("index")
    (own_codekin.folder / "new.py").write_text("def newest():\n    return 'never seen'\n")
    lock = locate_index([own_codekin.folder], Settings(cache=CacheSettings(str(own_codekin.cache)))).lock
    with FileLock(lock):
        hits = own_codekin.json("search", "count words")["hits"]
    assert "count_words" in [hit["name"] for hit in hits]
    assert "newest" not in [hit["name"] for hit in hits]


def test_beside_a_first_index_the_files_are_searched_by_words(own_codekin: Codekin):
    lock = locate_index([own_codekin.folder], Settings(cache=CacheSettings(str(own_codekin.cache)))).lock
    lock.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(lock):
        done = own_codekin("search", "count words")
        nothing = own_codekin("search", "zzzyx")
        context = own_codekin("context", "count words")
    assert done.returncode == 0
    assert "count_words" in done.stdout
    assert "by words only" in done.stdout
    for answer in (done, nothing, context):
        assert "0% of the workspace was searched: the index is being built by another codekin" in answer.stderr
    assert (nothing.returncode, context.returncode) == (1, 0)
    assert "count_words" in context.stdout
    assert "Ask again when it is done" in nothing.stderr


def test_what_is_no_number_is_called_so(codekin: Codekin):
    assert "'x' is not a valid whole number" in codekin("search", "dates", "-k", "x").stderr


def test_the_whole_disk_is_never_indexed(codekin: Codekin):
    for command in (["search", "dates"], ["index"], ["status"], ["duplicates"], ["context", "dates"]):
        done = codekin(*command, *(["/"] if command == ["index"] else ["--root", "/"]))
        assert done.returncode == 2, command
        assert "Refusing to index the whole disk" in done.stderr


def test_what_is_not_characters_drives_no_terminal(own_codekin: Codekin):
    evil = "def evil_marker():\n    return '\x1b]0;owned\x07\x1b[31m \x9b31m'\n"
    (own_codekin.folder / "evil\x1b[31m.py").write_text(evil, "utf-8")
    (own_codekin.folder / "evil.py").write_text(evil, "utf-8")
    outputs = [own_codekin("search", "evil marker").stdout, own_codekin("search", "evil marker", "--json").stdout]
    assert all("evil_marker" in output for output in outputs)
    assert not any(set(output) & set("\x1b\x07\x9b") for output in outputs)
