"""Functions that clones are made of; those of Python have calls that show whether a clone does the same."""

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
