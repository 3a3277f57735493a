"""Who may read what: the property that matters most, and the parts that it rests on."""

import hashlib
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from codekin.errors import TeamError
from codekin.team.access import AccessFile, CommandRights, OidcAuthenticator, match_repositories
from codekin.team.catalogue import READY, Catalogue, FileChanges
from codekin.team.cutting import CutBlob
from codekin.team.gateway_search import GatewaySearch, SharedQuery
from codekin.team.keyring import make_key
from codekin.team.rate_limit import RateLimit
from codekin.team.repository_sets import RepositorySets
from codekin.team.shared_index import SharedContent, SharedIndex, open_shared_index
from codekin.types import Snippet, SnippetKind, Span

from .clones import KEYRING
from .memory_index import MemoryIndex
from .served_gateway import write_access

SPACE, DIM = "model/passage/8", 8
REPOSITORIES = [f"team-{n % 3}/repo-{n}" for n in range(6)]
CONTENTS = 8  # that any repository may have
WORDS = ("apple", "berry", "cherry")


def make_hash(content: int) -> bytes:
    """The hash of a content's text."""
    return hashlib.blake2b(b"%d" % content, digest_size=16).digest()


def make_vector(content: int) -> np.ndarray:
    """A content's vector."""
    vector = np.random.default_rng(content).standard_normal(DIM)
    return (vector / np.linalg.norm(vector)).astype(np.float32)


def store(index: SharedIndex, held: dict[str, set[int]]) -> None:
    """Give repositories contents, each a file of its own, in place of what they had."""
    catalogue = Catalogue(index)
    sets = RepositorySets(catalogue)
    affected = {KEYRING.make_content_id(make_hash(content)) for content in range(CONTENTS)}
    for content in range(CONTENTS):
        snippet = Snippet(f"f{content}", f"f{content}", SnippetKind.FUNCTION, "python", Span(0, 3), 0, "", "")
        catalogue.put_blobs([CutBlob(make_key("blob", content), ((make_hash(content), snippet),))], KEYRING)
    known = index.filter_known(SPACE, affected)
    index.put_contents(
        SPACE,
        [
            SharedContent(
                content_id, 0, make_vector(content).astype(np.float16), (KEYRING.hash_word(WORDS[content % 3]),), 1.0
            )
            for content in range(CONTENTS)
            if (content_id := KEYRING.make_content_id(make_hash(content))) not in known
        ],
    )
    for name, contents in held.items():
        record = catalogue.find_repository(name)
        stored = catalogue.list_files(record.number)
        files = {f"src/{content}.py": make_key("blob", content) for content in contents}
        gone = {path: blob for path, blob in stored.items() if path not in files}
        catalogue.write_files(record.number, FileChanges(files, gone))
        catalogue.save_repository(record.__class__(record.number, name, "c" * 40, SPACE, state=READY))
    sets.settle(affected)
    catalogue.bump_generation()


def check(search: GatewaySearch, held: dict[str, set[int]], patterns: list[str], content: int) -> int:
    """Ask for a content in every way as a user with these rights; return the number of places that were checked."""
    readable = match_repositories(patterns, search.list_repositories())
    expected = {(name, f"src/{content}.py") for name in readable if content in held.get(name, set())}
    words = (WORDS[content % 3],)
    query = SharedQuery(SPACE, make_vector(content), words, words, make_hash(content), k=CONTENTS)
    answer = search.search(query, readable)
    assert {place.repository.name for place in answer.places} <= readable
    for place in answer.places:
        assert int(place.path.removeprefix("src/").removesuffix(".py")) in held[place.repository.name]
    found = {(place.repository.name, place.path) for place in answer.places}
    assert expected <= found
    assert bool(answer.identical) == bool(expected)
    readable_contents = {held_content for name in readable for held_content in held.get(name, set())}
    is_there = any(held_content % 3 == content % 3 for held_content in readable_contents)
    assert bool(answer.frequencies.get(words[0])) == is_there
    vectors = search.find_vectors(SPACE, [make_hash(content)], readable)
    assert bool(vectors) == bool(expected)
    return len(found) + 1


held_strategy = st.dictionaries(st.sampled_from(REPOSITORIES), st.sets(st.integers(0, CONTENTS - 1)), max_size=6)
patterns_strategy = st.lists(st.sampled_from([*REPOSITORIES, "team-0/*", "team-1/*", "*", "nobody/*"]), max_size=3)


class TestProperty:
    def test_nobody_sees_too_much_and_everybody_finds_what_is_theirs(self):
        """Repositories, contents, users and revocations by chance: 100,000 checks and more."""
        checks = 0

        @settings(max_examples=1_500, suppress_health_check=list(HealthCheck))
        @given(
            first=held_strategy,
            second=held_strategy,
            users=st.lists(patterns_strategy, min_size=1, max_size=3),
            revoked=st.lists(patterns_strategy, min_size=1, max_size=2),
        )
        def run(first, second, users, revoked) -> None:
            nonlocal checks
            index = MemoryIndex()
            Catalogue(index).open_space(SPACE, DIM)
            search = GatewaySearch(Catalogue(index), KEYRING)
            held: dict[str, set[int]] = {}
            for change in (first, second):
                held |= change
                store(index, change)
                for patterns in [*users, *revoked]:
                    for content in range(CONTENTS):
                        checks += check(search, held, patterns, content)

        run()
        assert checks >= 100_000

    def test_the_same_in_postgresql(self, postgres_uri: str):
        index = open_shared_index(postgres_uri)
        Catalogue(index).open_space(SPACE, DIM)
        search = GatewaySearch(Catalogue(index), KEYRING)
        held: dict[str, set[int]] = {}
        generator = np.random.default_rng(3)
        for _ in range(6):
            change = {name: set(generator.integers(0, CONTENTS, 4).tolist()) for name in REPOSITORIES}
            held |= change
            store(index, change)
            for patterns in (["*"], [REPOSITORIES[1]], ["team-2/*", REPOSITORIES[0]], []):
                for content in range(CONTENTS):
                    check(search, held, patterns, content)
        index.close()

    def test_a_file_that_changes_between_search_and_answer_shows_nothing(self, monkeypatch: pytest.MonkeyPatch):
        """The set of a content is old, and names a reader's repository: its files decide."""
        index = MemoryIndex()
        Catalogue(index).open_space(SPACE, DIM)
        store(index, {REPOSITORIES[0]: {1}, REPOSITORIES[1]: {1}})
        search = GatewaySearch(Catalogue(index), KEYRING)
        catalogue = Catalogue(index)
        record = catalogue.find_repository(REPOSITORIES[0])
        catalogue.write_files(record.number, FileChanges({}, catalogue.list_files(record.number)))
        answer = search.search(SharedQuery(SPACE, make_vector(1), content_hash=make_hash(1)), {REPOSITORIES[0]})
        assert answer.places == ()
        assert answer.cosines == {}
        assert answer.identical == ""
        assert search.find_vectors(SPACE, [make_hash(1)], {REPOSITORIES[0]}) == {}
        assert search.find_vectors(SPACE, [make_hash(1)], {REPOSITORIES[1]}).keys() == {make_hash(1)}


class TestFilters:
    def test_the_shorter_list_is_sent(self):
        index = MemoryIndex()
        Catalogue(index).open_space(SPACE, DIM)
        store(index, {name: {n} for n, name in enumerate(REPOSITORIES)})
        search = GatewaySearch(Catalogue(index), KEYRING)
        view = search._load_view()
        everything = search._make_filter(view, frozenset(view.records))
        assert (len(everything.ids), everything.is_excluded) == (0, True)
        few = search._make_filter(view, frozenset(list(view.records)[:1]))
        assert (len(few.ids), few.is_excluded) == (1, False)

    def test_another_space_finds_nothing(self):
        index = MemoryIndex()
        Catalogue(index).open_space(SPACE, DIM)
        store(index, {REPOSITORIES[0]: {1}})
        search = GatewaySearch(Catalogue(index), KEYRING)
        with pytest.raises(ValueError, match="another model"):
            search.search(SharedQuery("other", make_vector(1)), set(REPOSITORIES))
        assert search.find_vectors("other", [make_hash(1)], set(REPOSITORIES)) == {}


class TestAccessFile:
    def test_users_are_told_by_tokens_and_rights_by_patterns(self, tmp_path: Path):
        path = tmp_path / "access.toml"
        write_access(path, {"ann": ("a" * 40, ["shop/*", "lib"]), "bob": ("b" * 40, [])})
        access = AccessFile(path)
        assert access.authenticate("a" * 40) == "ann"
        assert access.authenticate("c" * 40) is None
        names = ["shop/api", "shop/web/ui", "lib", "library", "other"]
        assert access.find_readable("ann", names) == {"shop/api", "shop/web/ui", "lib"}
        assert access.find_readable("bob", names) == set()
        assert access.find_readable("eve", names) == set()

    def test_a_change_counts_at_once_and_a_broken_file_lets_nobody_in(self, tmp_path: Path):
        path = tmp_path / "access.toml"
        write_access(path, {"ann": ("a" * 40, ["*"])})
        access = AccessFile(path)
        write_access(path, {"bob": ("b" * 40, ["*"])})
        assert access.authenticate("a" * 40) is None
        assert access.find_readable("ann", ["x"]) == set()
        path.write_text("[users.ann]\ntoken_sha256 = 3\n")
        for _ in range(2):
            with pytest.raises(TeamError, match="can't be used"):
                access.authenticate("b" * 40)
        path.unlink()
        with pytest.raises(TeamError, match="can't be used"):
            access.authenticate("b" * 40)


class TestCommand:
    def test_its_lines_are_patterns_and_its_failure_is_no_right(self, tmp_path: Path):
        script = tmp_path / "rights.py"
        script.write_text("import sys\nprint('shop/*') if sys.argv[1] == 'ann' else sys.exit(3)\n")
        rights = CommandRights([sys.executable, str(script)])
        assert rights.find_readable("ann", ["shop/api", "lib"]) == {"shop/api"}
        with pytest.raises(TeamError, match="command for rights failed"):
            rights.find_readable("bob", ["shop/api"])


class TestOidc:
    def test_only_sound_tokens_name_a_user(self, monkeypatch: pytest.MonkeyPatch):
        jwt = pytest.importorskip("jwt")
        from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key

        key, other = generate_private_key(SECP256R1()), generate_private_key(SECP256R1())
        monkeypatch.setattr("codekin.team.access._find_keys_address", lambda issuer: f"{issuer}/keys")
        authenticator = OidcAuthenticator("https://login.example.com", "codekin", "email")
        signing_key = type("SigningKey", (), {"key": key.public_key()})
        monkeypatch.setattr(authenticator._keys, "get_signing_key_from_jwt", lambda _: signing_key)
        now = int(time.time())
        sound = {"iss": "https://login.example.com", "aud": "codekin", "iat": now, "exp": now + 600, "email": "ann"}

        def sign(secret: object = key, algorithm: str = "ES256", **claims: object) -> str:
            return str(jwt.encode(sound | claims, secret, algorithm=algorithm))

        assert authenticator.authenticate(sign()) == "ann"
        assert authenticator.authenticate(sign(other)) is None
        assert authenticator.authenticate(sign(aud="else")) is None
        assert authenticator.authenticate(sign(iss="https://evil.example.com")) is None
        assert authenticator.authenticate(sign(exp=now - 3_600)) is None
        assert authenticator.authenticate(sign(exp=now - 30)) == "ann"  # clocks differ
        assert authenticator.authenticate("rubbish") is None
        assert authenticator.authenticate(str(jwt.encode(sound, "", algorithm="none"))) is None

    def test_an_issuer_in_the_clear_is_refused(self):
        with pytest.raises(TeamError, match="https"):
            OidcAuthenticator("http://login.example.com", "codekin")


class TestRateLimit:
    def test_a_user_has_a_burst_and_then_a_rate_of_her_own(self):
        now = 0.0
        limit = RateLimit(2.0, 3, clock=lambda: now)
        assert [limit.admit("ann") for _ in range(4)] == [True, True, True, False]
        assert limit.admit("bob")
        now = 0.5
        assert [limit.admit("ann") for _ in range(2)] == [True, False]
