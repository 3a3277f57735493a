"""Each way of writing a definition that was once not found: which names does its text give?"""

import pytest

from codekin.code.extract import extract_snippets
from codekin.types import SnippetKind

CONSTRUCTS = {
    "c: annotations around the name": (
        "c",
        """\
static int __must_check helper(void) __acquires(lock)
{
	return 1;
}
static __be32 read_id(void)
{
}
""",
        "helper read_id",
    ),
    "c: a type that begins like an annotation": (
        "c",
        """\
static __attribute__((noinline)) __u64 read_size(int a)
{
}
/* id */ __u32 read_id(int a)
{
}
register __u32 read_register(int a)
{
}
static _Noreturn __u32 stop(int a)
{
}
static __inline__ __u32 add(int a)
{
}
__attribute__((cold)) int __must_check check(int a)
{
}
char * __must_check copy(void)
{
}
extern "C" {
  __u32 link(int a) {
  }
}
#if X
  __u32 choose(int a) {
  }
#endif
""",
        "read_size read_id read_register stop add check copy link choose",
    ),
    "c++: a type that begins like an annotation": (
        "cpp",
        """\
extern "C" __u32 answer(int a) { return 42; }
static constexpr __u32 square(int a)
{
}
struct Size {
  virtual __u32 measure(int a) {
  }
};
std::vector<int> __must_check list(int a)
{
}
""",
        "answer square measure list",
    ),
    "c++: linkage of one function": (
        "cpp",
        """\
extern "C" int answer(void) { return 42; }
""",
        "answer",
    ),
    "c++: macros alone on a line of a class": (
        "cpp",
        """\
class Outcome : public Base
{
  PRIVATE_BUT_FOR_TESTS:
    bool holds() const
    {
        return true;
    }
    HEDGE_NON_NULL(3)
    Outcome(int id, const char* what)
        : Base(id, what) {}
    HEDGE_DEPRECATED_FOR(3.1.0, items())
    static int wrap(int a)
    {
        return a;
    }
};
""",
        "holds Outcome wrap",
    ),
    "ruby: methods of one row in blocks": (
        "ruby",
        """\
String.class_eval do
  def shout; upcase; end
end
class << self
  def make; new; end
end
""",
        "shout make",
    ),
    "javascript: a module called by a method": (
        "javascript",
        """\
;(function() {
  function add(a, b) {
    return a + b;
  }
  var inContext = (function inContext(a) {
    return a;
  });
}.call(this));
(function () {
  function take(a) {
    return a;
  }
}).apply(window);
""",
        "add inContext take",
    ),
    "javascript: a bundle of modules": (
        "javascript",
        """\
(function run(modules, cache) {
  cache[0] = modules[1];
})({1: [function (require, module) {
  function open() {
    return module;
  }
}, {"./a": 2}]}, {});
""",
        "open",
    ),
    "typescript: functions in arrays": (
        "typescript",
        """\
export const config = {
  plugins: [
    async function load() {
      return 1;
    },
    { name: 'b', build() {
      return 2;
    } },
  ],
};
""",
        "load build",
    ),
    "rust: strategies in a macro inside a module": (
        "rust",
        """\
mod tests {
    proptest! {
        #[test]
        fn adds(x in any::<u32>(), y in 0..9u32) {
            assert!(x == x);
        }
    }
    fn after() {
        run();
    }
}
""",
        "tests.adds tests.after",
    ),
    "csharp: a program in one file": (
        "csharp",
        """\
#:sdk Cake.Sdk
#:package Cake.FileHelpers
#:property ProjectType=Test
#:property SignAssembly=false

var target = Argument<string>("target", "Default");
var kind = Argument<string>("kind", "Release");

Setup(_ =>
{
    Information("");
});

string Patch(string path, Action<J.Object> patch)
{
    return path;
}
""",
        "Patch",
    ),
    "csharp: an extension block over several rows": (
        "csharp",
        """\
static class More
{
    extension<K, V>(
        [NotNull(1)] Dictionary<K, V>? map)
        where K : notnull
    {
        public V Pick(K key) => map[key];
    }
    public static void Old(this A a) { }
}
""",
        "Pick Old",
    ),
    "kotlin: guards": (
        "kotlin",
        """\
fun tell(r: R) = when (r) {
    is Found if r.size > 0 -> "a"
    is Found if r.any { it > 1 } -> {
        log(r)
    }
    !in list if late() -> "b"
    else if r.isBig -> "c"
    else -> "d"
}
class After {
    fun one(): Int = 1
}
""",
        "tell one",
    ),
    "kotlin: modifiers, dollars and arguments of annotations": (
        "kotlin",
        """\
class Flows {
    fun first() {
        val task = suspend { 1 }
    }
    @Name("x")
    private inline fun <W> take(waiter: W, suspend: (W) -> Boolean) {
        take(waiter, suspend = { true })
    }
    val text = $$"price: $five"
    fun last() = 1
}
""",
        "first take last",
    ),
    "kotlin: an annotated constructor": (
        "kotlin",
        """\
public value class Outcome<out T>
@PublishedApi internal constructor(val holder: Any?) {
    fun get(): T {
        return holder as T
    }
}
""",
        "get",
    ),
    "elixir: templates of code": (
        "elixir",
        """\
defmodule <%= inspect web %>.Auth do
  def fetch_<%= name %>(conn, opts) do
    conn
  end
<%= if @html do %>
  def plain(conn) do
    conn
  end<% end %>
end
""",
        "fetch_<%= name %> plain",
    ),
}
_CODE_KINDS = (SnippetKind.FUNCTION, SnippetKind.METHOD, SnippetKind.CONSTRUCTOR, SnippetKind.TEST)


@pytest.mark.parametrize("construct", CONSTRUCTS)
def test_each_definition_is_found(construct: str) -> None:
    language, text, names = CONSTRUCTS[construct]
    found = [snippet for snippet in extract_snippets(text, language) if snippet.kind in _CODE_KINDS]
    assert " ".join(snippet.qualified_name if "." in names else snippet.name for snippet in found) == names
