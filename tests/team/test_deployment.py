"""The files for Docker and Kubernetes: they parse, and what they run are commands that codekin has."""

import re
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from codekin import team
from codekin.cli.commands import codekin
from codekin.team.keyring import load_keyring

from .conftest import require

FOLDER = Path(team.__file__).parent / "deployment"
FILES = sorted(FOLDER.glob("*.yaml"))


def load_documents(path: Path) -> list[Any]:
    """The documents of a file; a key that stands twice is an error."""
    require("yaml")
    import yaml

    class Loader(yaml.SafeLoader):
        def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
            keys = [self.construct_object(key, deep) for key, _ in node.value]
            assert len(keys) == len(set(keys)), f"{path.name}: {keys}"
            mapping: dict[Any, Any] = super().construct_mapping(node, deep)
            return mapping

    return list(yaml.load_all(path.read_text("utf-8"), Loader))


def list_containers() -> Iterator[tuple[str, list[str]]]:
    """The image and arguments of each container that runs codekin."""
    for service in load_documents(FOLDER / "compose.yaml")[0]["services"].values():
        if "codekin" in service["image"]:
            yield service["image"], service["command"]
    for document in load_documents(FOLDER / "gateway.yaml"):
        if document["kind"] == "Deployment":
            for container in document["spec"]["template"]["spec"]["containers"]:
                yield container["image"], container["args"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_each_file_parses(path: Path):
    assert all(isinstance(document, dict) for document in load_documents(path))


def test_each_container_runs_a_command_that_codekin_has():
    commands = []
    for _, arguments in list_containers():
        command: click.Command = codekin
        context = click.Context(command, info_name="codekin")
        names = list(arguments)
        while isinstance(command, click.Group):
            found = command.get_command(context, names[0])
            assert found is not None, arguments
            command, context, names = found, click.Context(found, context, names[0]), names[1:]
        parser = command.make_parser(context)
        options, rest, _ = parser.parse_args(names)
        assert not rest, arguments
        missing = [p.name for p in command.params if p.required and p.name not in options]
        assert not missing, arguments
        commands.append(command.name)
    assert sorted(commands) == ["gateway", "gateway", "ingest"]


def test_gateway_and_ingest_have_the_same_index_and_key():
    (_, ingest), (_, gateway) = [pair for pair in list_containers() if pair[0] == "codekin-team"]
    assert {"--to=http://milvus:19530", "--key=/keys/team.key"} <= set(ingest)
    assert {"--index=http://milvus:19530", "--key=/keys/team.key"} <= set(gateway)


def test_a_gateway_is_not_in_reach_of_the_network_without_a_proxy():
    services = load_documents(FOLDER / "compose.yaml")[0]["services"]
    ports = [port for service in services.values() for port in service.get("ports", [])]
    assert ports == ["127.0.0.1:8790:8790"]


def test_images_name_a_version():
    images = re.findall(r"image: (\S+)", "".join(path.read_text("utf-8") for path in FILES))
    assert images
    assert all(":" in image.rpartition("/")[2] or image == "codekin-team" for image in images)
    assert "latest" not in "".join(images)


def test_the_key_of_the_example_is_one(tmp_path: Path):
    (match,) = re.findall(r"openssl rand -hex (\d+) > keys/team.key", (FOLDER / "compose.yaml").read_text("utf-8"))
    (tmp_path / "team.key").write_text(secrets.token_hex(int(match)) + "\n")
    load_keyring(tmp_path / "team.key", create=False)
