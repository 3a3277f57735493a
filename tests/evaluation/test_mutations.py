"""Claims about clones made by edits: they parse, they are what their type says, and those of Python do the same."""

from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from codekin.code.parsing import encode_source, load_syntax, parse_source
from codekin.evaluation.mutations import (
    FULLY_EDITED_LANGUAGES,
    LANGUAGES,
    CloneType,
    make_mutant,
    make_single_edit_mutants,
)
from codekin.evaluation.mutations.similarity import abstract_tokens, compute_token_ratio, list_tokens
from codekin.evaluation.mutations.source import parse_function

PYTHON = {
    "count_words": (
        '''def count_words(text, least=2):
    """How often each word stands in a text."""
    counts = {}
    # too short ones say nothing
    longer = [one for one in text.split() if len(one) >= least]
    for word in longer:
        low = word.lower()
        if low in counts:
            counts[low] += 1
        else:
            counts[low] = 1
    return dict(sorted(counts.items()))
''',
        [("a bb Bb ccc",), ("",), ("one two one", 4)],
    ),
    "triangle": (
        """def triangle(height):
    rows = []
    width = 1
    mark = '*'
    for row in range(height):
        line = mark * width
        rows.append(line)
        width += 2
    while len(rows) < 3:
        rows.append('')
    return rows if height else None
""",
        [(0,), (2,), (5,)],
    ),
    "middle": (
        """def middle(values, default=10):
    if not values:
        return default
    squares = []
    for value in values:
        squares.append(value * value)
    low = min(squares)
    high = max(squares)
    if low == high:
        found = low
    else:
        found = (low + high) // 2
    return found
""",
        [([],), ([3],), ([1, 4, 2],), ([], 12)],
    ),
    "flatten": (
        """def flatten(items, depth=1):
    flat = []
    for item in items:
        if isinstance(item, list) and depth:
            flat.extend(flatten(item, depth - 1))
        else:
            flat.append(item)
    kind = 'flat' if depth else f"left {len(flat)}"
    return max(len(flat), 1), kind, flat
""",
        [([1, [2, [3]]],), ([], 0), ([[1], [2]], 2)],
    ),
}

OTHERS = {
    "javascript": """export function total(items, { rate = 1, limit }) {
  // of all that count
  let sum = 0, count = 0;
  const floor = 12;
  const label = 'total so far';
  for (let i = 0; i < items.length; i++) {
    sum += items[i].price * rate;
  }
  for (const item of items) {
    count += item.count;
  }
  if (sum > limit) {
    console.log(label, sum);
  } else {
    report(Math.max(sum, floor), count);
  }
  return sum > 0 ? sum : floor;
}""",
    "typescript": """async load(key: string, ...rest: string[]): Promise<Entry | undefined> {
  const found = this.cache.get(key);
  if (found === undefined) {
    return undefined;
  }
  let wanted: number[] = [];
  while (wanted.length < rest.length) {
    wanted.push(rest[wanted.length].length);
  }
  return { found, wanted, size: 250 };
}""",
    "java": """/** Adds them up. */
@Override
public int total(final List<Item> items, int start) throws IOException {
    int sum = start;
    String label = "the total";
    for (int i = 0; i < items.size(); i++) {
        sum += items.get(i).price();
    }
    for (Item item : items) {
        log.info(label + item);
    }
    if (sum > 100) {
        this.sum = sum;
    } else {
        throw new IOException("too little");
    }
    return Math.max(sum, 17);
}""",
    "go": """// Total adds them up.
func (s *Store) Total(items []Item, start int) (int, error) {
	sum := start
	label := "the total"
	for i := 0; i < len(items); i++ {
		sum += items[i].Price
	}
	for _, item := range items {
		s.log(label, item)
	}
	if sum > 100 {
		s.sum = sum
	} else {
		return 0, errors.New(label)
	}
	return sum, nil
}""",
    "c": """static int total(const struct item *items, int count)
{
    int sum = 0;
    int floor = 12;
    for (int i = 0; i < count; i++) {
        sum += items[i].price;
    }
    if (sum > 100) {
        report("much", sum);
    } else {
        return -1;
    }
    return sum > floor ? sum : floor;
}""",
    "cpp": """int Store::total(const std::vector<Item>& items, int start) const {
    int sum = start;
    auto label = std::string("total");
    for (const auto& item : items) {
        sum += item.price();
    }
    while (sum < 10) {
        sum += 2;
    }
    return sum;
}""",
    "csharp": """public int Total(IList<Item> items, int start = 0)
{
    var sum = start;
    foreach (var item in items)
    {
        sum += item.Price;
    }
    if (sum > 100) { Report("much", sum); } else { return -1; }
    return sum;
}""",
    "php": """public function total(array $items, int $start = 0): int
{
    $sum = $start;
    $label = 'total';
    foreach ($items as $item) {
        $sum += $item->price;
    }
    if ($sum > 100) {
        $this->report($label, $sum);
    } else {
        return 1;
    }
    return $sum;
}""",
    "rust": """/// Adds them up.
fn total(items: &[Item], start: u32) -> u32 {
    let mut sum = start;
    for item in items {
        sum += item.price;
    }
    println!("{} of {}", sum, items.len());
    sum
}""",
    "ruby": """def total(items, start = 0)
  sum = start
  items.each do |item|
    sum += item.price
  end
  puts 'much' if sum > 100
  sum
end""",
    "lua": """local function total(items, start)
  local sum = start or 10
  for _, item in ipairs(items) do
    sum = sum + item.price
  end
  return sum
end""",
    "kotlin": """fun total(items: List<Item>, start: Int): Int {
    var sum = start
    for (item in items) {
        sum += item.price
    }
    println("total so far")
    return sum
}""",
    "scala": """def total(items: List[Item], start: Int): Int = {
  var sum = start
  for (item <- items) {
    sum += item.price
  }
  println("total so far")
  sum
}""",
    "swift": """func total(_ items: [Item], start: Int) -> Int {
    var sum = start
    for item in items {
        sum += item.price
    }
    print("total so far")
    return sum
}""",
    "bash": """total() {
  local sum=0
  for item in "$@"; do
    sum=$((sum + item))
  done
  echo "total so far: ${sum}"
}""",
}
EXAMPLES = [("python", text) for text, _ in PYTHON.values()] + list(OTHERS.items())
PRESERVING_TYPES = (CloneType.LAYOUT, CloneType.RENAMED, CloneType.EDITED, CloneType.REWRITTEN)


def run(text: str, name: str, calls: list[tuple[Any, ...]]) -> list[Any]:
    """What the one function of `text` answers to each call."""
    scope: dict[str, Any] = {"print": lambda *_: None}
    exec(compile(text, name, "exec"), scope)
    made: Callable[..., Any] = next(value for key, value in scope.items() if key not in ("print", "__builtins__"))
    return [made(*call) for call in calls]


def parses(text: str, language: str) -> bool:
    syntax = load_syntax(language)
    assert syntax is not None
    for before, after in (("", ""), ("class A {\n", "\n}"), ("<?php class A {\n", "\n}")):
        root = parse_source(encode_source((before + text + after).split("\n")), syntax)
        if root is not None and not root.has_error:
            return True
    return False


@pytest.mark.parametrize(("language", "text"), EXAMPLES)
def test_every_edit_gives_a_text_that_parses(language: str, text: str) -> None:
    made = [made for seed in range(3) for made in make_single_edit_mutants(text, language, Random(seed)).items()]
    assert made
    for name, after in made:
        assert after != text
        assert parses(after, language), f"{name}\n{after}"


@pytest.mark.parametrize(("language", "text"), EXAMPLES)
def test_every_type_that_a_language_has_is_made_of_an_ordinary_function(language: str, text: str) -> None:
    types = [CloneType.LAYOUT, CloneType.RENAMED, *([CloneType.EDITED] if language in FULLY_EDITED_LANGUAGES else [])]
    for type_ in types:
        clones = [make_mutant(text, language, type_, Random(seed)) for seed in range(3)]
        assert any(clone is not None and parses(clone.text, language) for clone in clones)


@pytest.mark.parametrize("name", PYTHON)
def test_an_edited_function_of_python_does_what_it_did(name: str) -> None:
    """Every edit alone, and every mix of them, that claims to keep the meaning; the calls say whether it does."""
    text, calls = PYTHON[name]
    before = run(text, name, calls)
    done = set()
    for seed in range(6):
        for edit, after in make_single_edit_mutants(text, "python", Random(seed)).items():
            if edit not in ("literals changed", "statement removed"):
                assert run(after, edit, calls) == before, f"{edit}\n{after}"
                done.add(edit)
        for type_ in PRESERVING_TYPES:
            made = make_mutant(text, "python", type_, Random(seed))
            if made is not None and made.keeps_meaning:
                assert run(made.text, name, calls) == before, f"{made.edits}\n{made.text}"
    assert {"locals renamed", "function renamed", "indentation", "statement added"} <= done


def test_together_the_examples_of_python_show_every_edit() -> None:
    done = {
        edit
        for text, _ in PYTHON.values()
        for seed in range(6)
        for edit in make_single_edit_mutants(text, "python", Random(seed))
    }
    assert done >= {
        "comments removed", "comments added", "blank lines", "indentation", "lists wrapped", "quotes",
        "locals renamed", "function renamed", "literals changed",
        "statement added", "statement removed", "statements swapped", "variable extracted", "variable inlined",
        "condition inverted", "for made while", "while made other",
        "comprehension unrolled", "loop comprehended", "ternary branched", "guard given else", "iteration by hand",
    }  # fmt: skip


@pytest.mark.parametrize(("language", "text"), EXAMPLES)
def test_a_clone_of_the_first_type_has_the_same_tokens(language: str, text: str) -> None:
    for seed in range(3):
        made = make_mutant(text, language, CloneType.LAYOUT, Random(seed))
        if made is not None:
            assert list_tokens(made.text, language) == list_tokens(text, language), made.edits


@pytest.mark.parametrize(("language", "text"), EXAMPLES)
def test_a_clone_of_the_second_type_has_other_names_and_the_same_shape(language: str, text: str) -> None:
    for seed in range(3):
        made = make_mutant(text, language, CloneType.RENAMED, Random(seed))
        assert made is not None
        assert abstract_tokens(made.text, language) == abstract_tokens(text, language), made.text
        assert list_tokens(made.text, language) != list_tokens(text, language)


def test_names_that_are_not_the_functions_own_stay() -> None:
    text = """def publish(self, topic, **options):
    global sent
    sent = self.client.send(topic, retries=options, topic=topic)
    return sent.topic
"""
    made = make_single_edit_mutants(text, "python", Random(1))["locals renamed"]
    for kept in ("self.client.send(", "retries=", ", topic=", "sent.topic", "global sent"):
        assert kept in made
    assert "options" not in made


def test_a_shorthand_property_keeps_its_name() -> None:
    made = make_single_edit_mutants(
        "function f(a, b) {\n  const c = a;\n  return { b, c: c };\n}", "javascript", Random(1)
    )
    assert "{ b, c: " in made["locals renamed"]


def test_the_same_seed_gives_the_same_clone() -> None:
    for language, text in EXAMPLES:
        for type_ in CloneType:
            assert make_mutant(text, language, type_, Random(5)) == make_mutant(text, language, type_, Random(5))


def test_what_does_not_parse_has_no_clones() -> None:
    assert make_mutant("def f(:\n  retur", "python", CloneType.LAYOUT, Random(1)) is None
    assert make_mutant("x = 1", "python", CloneType.LAYOUT, Random(1)) is None
    assert make_mutant("anything", "cobol", CloneType.LAYOUT, Random(1)) is None
    assert parse_function("def f(:", "python") is None


def test_every_language_with_a_form_has_an_example() -> None:
    assert {language for language, _ in EXAMPLES} | {"tsx"} == LANGUAGES


def test_the_token_ratio_is_one_for_the_same_tokens_and_zero_for_none() -> None:
    assert compute_token_ratio("a = b(1)", "a=b( 1 )") == 1
    assert compute_token_ratio("a b", "c d") == 0
