"""Frames of the traces that people paste, whatever language prints them."""

import pytest

from codekin.search.stack_frames import StackFrame, find_stack_frames


def frames(text: str) -> list[tuple[str, int | None, str]]:
    return [("/".join(frame.path), frame.line, frame.function) for frame in find_stack_frames(text)]


@pytest.mark.parametrize(
    ("line", "frame"),
    [
        ('  File "/app/shop/cart.py", line 12, in pay', ("app/shop/cart.py", 11, "pay")),
        ('  File "C:\\app\\cart.py", line 1', ("C:/app/cart.py", 0, "")),
        ("\tat com.acme.Shop$Inner.pay(Shop.java:12)", ("com/acme/Shop.java", 11, "pay")),
        ("\tat java.base/java.lang.Thread.run(Thread.java:829)", ("java/lang/Thread.java", 828, "run")),
        ("\tat com.acme.Shop.<init>(Shop.kt)", ("com/acme/Shop.kt", None, "")),
        ("    at async Shop.pay (file:///app/lib/b.mjs:3:4)", ("app/lib/b.mjs", 2, "pay")),
        ("    at /app/lib/c.js:7:8", ("app/lib/c.js", 6, "")),
        ("   at Acme.Shop.Pay(Int32 id) in C:\\src\\Shop.cs:line 12", ("C:/src/Shop.cs", 11, "Pay")),
        ("\t/go/src/x/main.go:12 +0x1d", ("go/src/x/main.go", 11, "")),
        ("thread 'main' panicked at src/main.rs:4:5:", ("src/main.rs", 3, "")),
        ("lib/a/b.rb:12:in `block in pay'", ("lib/a/b.rb", 11, "pay")),
        ("lib/a/b.rb:12:in 'Shop::Cart#pay'", ("lib/a/b.rb", 11, "pay")),
        ("#0 /var/www/src/Foo.php(12): Foo->bar()", ("var/www/src/Foo.php", 11, "")),
        ("PHP Fatal error: Uncaught x in /var/www/B.php on line 3", ("var/www/B.php", 2, "")),
        ("#3  0x0 in do_it (a=1) at src/file.c:123", ("src/file.c", 122, "do_it")),
        ("lua: shop.lua:3: in function 'go'", ("shop.lua", 2, "go")),
        ("    (app 1.0.0) lib/app/x.ex:12: Mod.fun/2", ("lib/app/x.ex", 11, "")),
        ("see https://example.org/a/b/blob/main/src/x.py#L12-L14", ("src/x.py", 11, "")),
        ("src/X.hs:12:5: error", ("src/X.hs", 11, "")),
    ],
)
def test_a_frame_of_each_language(line: str, frame: tuple[str, int | None, str]):
    assert frames(line) == [frame]


@pytest.mark.parametrize("line", ["at 10:30 on v1.2.3:80", "http://localhost:8080/x", "ratio 3:4", "e.g. this: 12", ""])
def test_what_is_no_place_is_no_frame(line: str):
    assert frames(line) == []


def test_the_innermost_frame_comes_first_and_the_first_fault_before_the_next():
    text = """It broke.
Traceback (most recent call last):
  File "main.py", line 3, in <module>
    run()
  File "cart.py", line 12, in pay
    x
ValueError: bad, as in notes.py:1

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "late.py", line 1, in g
KeyError: 'x'"""
    assert [path for path, _, _ in frames(text)] == ["cart.py", "main.py", "late.py", "notes.py"]
    java = "x.Error\n\tat a.b.Outer.run(Outer.java:3)\nCaused by: y\n\tat a.b.Inner.read(Inner.java:5)\n\t... 4 more"
    assert [path for path, _, _ in frames(java)] == ["a/b/Inner.java", "a/b/Outer.java"]


@pytest.mark.parametrize("text", ["a/" * 5_000, "at " * 3_000, "#1 in " * 2_000, "x." * 5_000, 'File "' * 2_000])
def test_a_hostile_text_has_no_frames_and_is_soon_read(text: str):
    assert frames(text) == []  # a quadratic pattern would take minutes


def test_frames_are_counted():
    assert len(find_stack_frames("\n".join(f"a{number}.py:{number}" for number in range(1, 999)))) == 200
    assert find_stack_frames("a.py:1\na.py:1") == [StackFrame(("a.py",), 0, "")]
