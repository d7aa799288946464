"""What is read of a version without being asked for: two gigabytes, if the store tells sizes."""

from reconciler.core.artifacts.model_files import ListedFile
from reconciler.core.artifacts.size_limit import LARGEST_UNASKED, why_not_unasked


def test_two_gigabytes_are_read_and_a_byte_more_is_not() -> None:
    half = LARGEST_UNASKED // 2
    assert why_not_unasked([ListedFile("a", half), ListedFile("b", half)]) is None
    more = why_not_unasked([ListedFile("a", half), ListedFile("b", half + 1)])
    assert more == "its files have 2.0 GB, more than 2 GB"


def test_files_of_an_unknown_size_are_not_read_unasked() -> None:
    unknown = why_not_unasked([ListedFile("a", 1), ListedFile("b", None)])
    assert unknown == "the store does not tell how large its files are"
    large = why_not_unasked([ListedFile("a", LARGEST_UNASKED * 2), ListedFile("b", None)])
    assert large == "its files have 4.0 GB, more than 2 GB"
