"""Text from files and devices, as it may be shown in a terminal."""


def printable(text: str) -> str:
    """`text` in which nothing steers a terminal: control characters become spaces.

    Line ends and tabs stay where they were; so does everything that can be seen.
    """
    return "".join(letter if letter.isprintable() or letter in "\n\t" else " " for letter in text)
