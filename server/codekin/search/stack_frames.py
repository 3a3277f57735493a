"""Find the frames of stack traces, and other places named `file:line`, in a text that a person pasted."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_MAX_FRAMES = 200  # of a text
_MAX_LINE_CHARACTERS = 500  # of a line that is looked at: frames are shorter
_PYTHON = re.compile(r'^\s*File "(?P<path>[^"]+)", line (?P<line>\d+)(?:, in (?P<function>[^\s(]+))?')
# `at com.acme.Shop.pay(Shop.java:12)`, also with a module before it, as in java.base/…
_JVM = re.compile(r"^\s*at (?:[\w.@-]*/)*(?P<function>[\w.$<>]+)\((?P<path>[\w$-]+\.\w+)(?::(?P<line>\d+))?\)")
# `at Acme.Shop.Pay(Int32 id) in /src/Shop.cs:line 12`
_DOTNET = re.compile(r"^\s*at (?P<function>[\w.`<>\[\]]+)\([^()]*\) in (?P<path>.+?):line (?P<line>\d+)")
_JAVASCRIPT = re.compile(
    r"^\s*at (?:(?:async |new )*(?P<function>[\w.$<>]+)[^()]*\()?(?:file://|webpack:///)?(?P<path>[^()\s]+?\.\w+):(?P<line>\d+):\d+\)?$"
)
_RUBY = re.compile(r"(?P<path>[^\s:'\"`]+\.\w+):(?P<line>\d+):in [`'](?:.* in )?(?P<function>[^'`]+)'")
_LUA = re.compile(
    r"(?P<path>[^\s:'\"`]+\.lua):(?P<line>\d+): in (?:function|method|upvalue|local) [<'](?P<function>[^'>]+)"
)
_PHP = re.compile(r"(?:^#\d+ |\bin )(?P<path>[^\s:()]+\.\w+)(?:\((?P<line>\d+)\)| on line (?P<other_line>\d+))")
_NATIVE = re.compile(r"^\s*#\d+\s.*?\bin (?P<function>[\w:~<>]+).*?[ (](?P<path>[^\s():]+\.\w+):(?P<line>\d+)")
_LINK = re.compile(r"/blob/[^/\s]+/(?P<path>[^\s#?)\]]+\.\w+)(?:#L(?P<line>\d+))?")
_PLAIN = re.compile(r"(?<![\w/])(?P<path>[\w./\\~+@-]*\w\.[A-Za-z]\w{0,6})(?::|\(|, line | line )(?P<line>\d{1,6})\b")
_PATTERNS = (_PYTHON, _JVM, _DOTNET, _JAVASCRIPT, _RUBY, _LUA, _PHP, _NATIVE, _LINK, _PLAIN)
_OUTERMOST_FIRST = "most recent call last"  # Python, and Ruby on a terminal
_CAUSE = re.compile(r"^\s*Caused by:?\s")  # of the JVM: the last one is the first fault
_PACKAGE_NAME = re.compile(r"^[a-z_]\w*$")


@dataclass(frozen=True, slots=True)
class StackFrame:
    """A place that a text names: a file, and perhaps a line and a function in it."""

    path: tuple[str, ...]  # names of folders, as far as the text has them, and of the file
    line: int | None  # 0-based
    function: str  # the last part of its name; "" where there is none


class _Trace:
    """Frames that stand together, in the order in which the text has them."""

    def __init__(self, *, is_outermost_first: bool, is_cause: bool) -> None:
        self.is_outermost_first = is_outermost_first
        self.is_cause = is_cause
        self.frames: list[StackFrame] = []

    def list_frames(self) -> list[StackFrame]:
        """Return the list of this trace's frames, the innermost first."""
        return self.frames[::-1] if self.is_outermost_first else self.frames


def find_stack_frames(text: str) -> list[StackFrame]:
    """Return up to 200 distinct StackFrames named in a text, the innermost of the root cause first.

    Whether there are such files is not known.
    """
    traces = [_Trace(is_outermost_first=False, is_cause=False)]
    frame_count = 0
    for line in text.split("\n"):
        frames = list(_read_line(line[:_MAX_LINE_CHARACTERS]))
        if _OUTERMOST_FIRST in line:
            traces.append(_Trace(is_outermost_first=True, is_cause=False))
        elif _CAUSE.match(line):
            traces.append(_Trace(is_outermost_first=False, is_cause=True))
        elif traces[-1].is_outermost_first and traces[-1].frames and line[:1].strip():
            traces.append(_Trace(is_outermost_first=False, is_cause=False))  # the error's message ends the trace
        traces[-1].frames += frames
        frame_count += len(frames)
        if frame_count >= _MAX_FRAMES:
            break
    # Python's first trace has the first fault, the JVM's last cause; what is no trace comes after them.
    causes = [trace for trace in reversed(traces) if trace.is_cause]
    outermost_first = [trace for trace in traces if trace.is_outermost_first]
    others = [trace for trace in traces if not trace.is_cause and not trace.is_outermost_first]
    frames = [frame for trace in (*causes, *outermost_first, *others) for frame in trace.list_frames()]
    return list(dict.fromkeys(frames))[:_MAX_FRAMES]


def _read_line(line: str) -> Iterator[StackFrame]:
    """Yield a StackFrame for each match of the first pattern that matches in a line of text."""
    for pattern in _PATTERNS:
        matches = list(pattern.finditer(line))
        for match in matches:
            yield _make_frame(match, is_jvm=pattern is _JVM)
        if matches:
            return


def _make_frame(match: re.Match[str], *, is_jvm: bool) -> StackFrame:
    """Return a match's StackFrame; one of the JVM has its class's packages as folders."""
    groups = match.groupdict()
    names = [name for name in re.split(r"[\\/]+", groups["path"]) if name not in ("", ".", "..", "~")]
    function_path = re.split(r"[.:$#]+", groups.get("function") or "")
    if is_jvm:
        packages = function_path[:-2]
        while packages and not _PACKAGE_NAME.match(packages[-1]):
            packages.pop()
        names = [*packages, *names]
    line = groups.get("line") or groups.get("other_line")
    function = "" if "<" in function_path[-1] else function_path[-1]  # <module>, <lambda>, <init>
    return StackFrame(tuple(names), int(line) - 1 if line else None, function)
