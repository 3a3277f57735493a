"""Texts of JSON with comments, as settings files have them, for property tests."""

import json

from hypothesis import strategies as st

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=12),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=8), children, max_size=3),
    max_leaves=8,
)
JSON_OBJECTS = st.dictionaries(st.text(max_size=8).filter(lambda key: key not in ("mcpServers", "hooks")), JSON_VALUES)
JSON_TEXTS = st.builds(
    lambda value, indent, comment, newline: (
        comment + json.dumps(value, indent=indent, ensure_ascii=False).replace("\n", newline) + newline
    ),
    JSON_OBJECTS,
    st.sampled_from([None, 2, 4, "\t"]),
    st.sampled_from(["", "// a comment\n", "/* { */ "]),
    st.sampled_from(["\n", "\r\n"]),
)
