import pytest

from models.errors import StylecamError
from models.system.atomic_file import replacing, write_bytes_atomically


def test_the_new_file_takes_the_place_of_the_old_one(tmp_path):
    path = tmp_path / "card.yaml"
    path.write_bytes(b"old")
    write_bytes_atomically(path, b"new")
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


def test_whatever_goes_wrong_the_old_file_stays_and_nothing_else(tmp_path):
    path = tmp_path / "film.mp4"
    path.write_bytes(b"old")
    with pytest.raises(KeyboardInterrupt), replacing(path) as partial:
        partial.write_bytes(b"half")
        raise KeyboardInterrupt
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_missing_folder_is_named_by_the_error_asked_for(tmp_path):
    with pytest.raises(StylecamError, match=r"card\.yaml: cannot be written: No such file") as told:
        write_bytes_atomically(tmp_path / "gone" / "card.yaml", b"", error=StylecamError)
    assert type(told.value) is StylecamError
