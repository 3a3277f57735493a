"""The models that have a name of their own."""

from codekin.embed.local.presets import PRESETS, find_preset
from codekin.embed.tasks import PREFIXES


def test_every_preset_says_its_licence_and_its_prefixes() -> None:
    assert all(preset.licence and set(preset.prefixes) == set(PREFIXES) for preset in PRESETS.values())
    assert find_preset("Qwen/Qwen3-Embedding-0.6B") is PRESETS["qwen3-0.6b"]
