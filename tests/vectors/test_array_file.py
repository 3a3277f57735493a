"""Files of arrays: what was written is read, by whoever has the key; what is damaged is not read."""

import stat
import sys
from pathlib import Path

import hypothesis.extra.numpy as hnp
import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from codekin.vectors.array_file import AnyArray, open_array_file, write_array_file

TYPES = st.sampled_from(["<i8", "<u8", "<f4", "<i4", "<u4", "<u2", "|u1", "|i1", ">i8", ">u2"])
ARRAYS = st.dictionaries(
    st.text(max_size=8),
    TYPES.flatmap(lambda type_name: hnp.arrays(type_name, hnp.array_shapes(min_side=0))),
    max_size=5,
)


@given(ARRAYS)
def test_what_was_written_is_read(tmp_path_factory: pytest.TempPathFactory, arrays: dict[str, AnyArray]):
    path = tmp_path_factory.mktemp("arrays") / "a.image"
    assert write_array_file(path, "key", arrays)
    array_file = open_array_file(path, "key")
    assert array_file is not None
    for name, array in arrays.items():
        read = array_file.read(name)
        assert read is not None
        np.testing.assert_array_equal(read, array)
        assert not read.flags.writeable
    assert array_file.read("no such name") is None


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file of two arrays."""
    write_array_file(tmp_path / "a.image", "key", {"numbers": np.arange(3000), "bytes": np.ones(5, np.uint8)})
    return tmp_path / "a.image"


def test_another_key_is_another_file(path: Path):
    assert open_array_file(path, "kez") is None
    assert open_array_file(path.with_name("missing"), "key") is None


def test_a_mapped_file_stays_as_it_was_when_another_replaces_it(path: Path):
    array_file = open_array_file(path, "key")
    assert write_array_file(path, "key", {"numbers": np.zeros(3000, np.int64)})
    assert array_file is not None
    np.testing.assert_array_equal(array_file.read("numbers"), np.arange(3000))


@given(position=st.integers(0, 10**6), bit=st.integers(0, 7))
def test_a_flipped_bit_changes_no_array(tmp_path_factory: pytest.TempPathFactory, position: int, bit: int):
    path = tmp_path_factory.mktemp("arrays") / "a.image"
    numbers = np.arange(3000)
    write_array_file(path, "key", {"numbers": numbers})
    data = bytearray(path.read_bytes())
    data[position % len(data)] ^= 1 << bit
    path.write_bytes(data)
    array_file = open_array_file(path, "key")
    read = array_file.read("numbers") if array_file is not None else None
    assert read is None or (read.dtype == numbers.dtype and np.array_equal(read.ravel(), numbers))


@pytest.mark.parametrize("size", [0, 1, 100, 16_384, 20_000])
def test_a_shorter_file_is_none(path: Path, size: int):
    path.write_bytes(path.read_bytes()[:size])
    assert open_array_file(path, "key") is None


@pytest.mark.skipif(sys.platform == "win32", reason="modes are of other systems")
def test_only_its_user_can_read_it(path: Path):
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_folder_that_is_not_there_is_no_error(path: Path):
    assert not write_array_file(path.parent / "missing" / "a.image", "key", {})
