"""No text from outside steers the terminal."""

from models.system.printable import printable


def test_controls_go_and_what_can_be_seen_stays():
    assert printable("a\x1b]0;title\x07b\x9b2Jc\u202ed") == "a ]0;title b 2Jc d"
    assert printable("Der Schrei – 日本\tü\n") == "Der Schrei – 日本\tü\n"
