"""Inside a component's script, completion works as in a file of the script's language, and from other components."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from threading import Event

import pytest

from codekin.engine import Engine
from codekin.settings import CacheSettings, CompletionSettings, Settings

LOADER = """\
export async function loadParcel(session, parcelId) {
  const reply = await session.get(`/parcels/${parcelId}`);
  reply.raiseForStatus();
  const body = await reply.json();
  log.debug("loaded", body);
  return Parcel.parse(body);
}
"""
BEGUN = """\
{opening}
async function loadOrder(http, orderId) {{
  const answer = await http.get(`/orders/${{orderId}}`);
  answer.raiseForStatus();
  """
COMPONENT = "<template>\n  <p>{{ order }}</p>\n</template>\n\n"


@pytest.fixture(scope="module", params=["loader.ts", "Loader.vue", "Loader.svelte"], name="engine")
def _engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    root = tmp_path_factory.mktemp("shop")
    name: str = request.param
    text = LOADER if name.endswith(".ts") else f'<script lang="ts">\n{LOADER}</script>\n'
    (root / name).write_text(text, "utf-8")
    settings = Settings(
        completion=CompletionSettings(floor=0.0), cache=CacheSettings(directory=str(tmp_path_factory.mktemp("cache")))
    )
    with closing(Engine([root], settings)) as engine:
        engine.refresh(lambda _: None, Event(), workers=0)
        yield engine


@pytest.mark.parametrize(
    ("name", "before", "opening", "after"),
    [
        ("Order.vue", COMPONENT, '<script setup lang="ts">', "\n}\n</script>\n<style>\np { color: red }\n</style>\n"),
        ("Order.svelte", "", '<script lang="ts">', "\n}\n</script>\n<p>{order}</p>\n"),
        ("Order.astro", "", "---", "\n}\n---\n<p>{order}</p>\n"),
    ],
)
def test_a_script_is_completed_like_a_file_of_its_language(
    engine: Engine, name: str, before: str, opening: str, after: str
) -> None:
    begun = before + BEGUN.format(opening=opening)
    lines = begun.split("\n")
    path = Path(engine.status().roots[0], name)
    (completion, *_) = engine.complete(path, len(lines) - 1, len(lines[-1]), text=begun + after)
    assert completion.text.split("\n")[0].strip() == "const body = await answer.json();"
    assert (completion.row, completion.column) == (len(lines) - 1, len(lines[-1]))


def test_outside_of_scripts_nothing_is_taken_from_them(engine: Engine) -> None:
    path = Path(engine.status().roots[0], "Order.vue")
    text = COMPONENT + BEGUN.format(opening='<script setup lang="ts">') + "\n}\n</script>\n"
    assert engine.complete(path, 1, 2, text=text) == []
