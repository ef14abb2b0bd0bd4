"""The user's own styles: adding, removing and renaming them, and the order of all. Needs no torch.

A style is NAME.onnx with NAME.yaml and perhaps NAME.jpg in the user's folder (catalogue.py).
"""

from pathlib import Path

from models.card import check_name, load_card, write_card
from models.catalogue import ORDER_FILE, SHIPPED, style_paths, user_folder
from models.errors import StylecamError, UsageError, lookup
from models.system.atomic_file import write_bytes_atomically

SUFFIXES = (".jpg", ".yaml", ".onnx")
"""The model comes last: a style exists only once its model does."""


def add_style(model: Path, name: str | None = None, *, force: bool = False) -> str:
    """Copy a model with its card and preview into the user's folder; give the style's name.

    Raises UsageError for a name that is taken or not allowed, ModelError for a file that is not a
    model of ours or is damaged, StylecamError if it cannot be written.
    """
    card = load_card(model)
    name = name or card.name
    check_name(name)
    folder = user_folder()
    target = folder / f"{name}.onnx"
    if name in style_paths() and not (force and target.is_file()):
        taken = "is one of yours (--force replaces it)" if target.is_file() else "is shipped"
        raise UsageError(f"{name}: {taken}; choose another with --name")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if card.preview.is_file():
            write_bytes_atomically(target.with_suffix(".jpg"), card.preview.read_bytes())
        content = model.read_bytes()
        # While the old card stands beside the new model, the checksum would call it damaged.
        target.with_suffix(".yaml").unlink(missing_ok=True)
        write_bytes_atomically(target, content)
    except OSError as error:
        raise StylecamError(f"{folder}: cannot be written ({error.strerror})") from None
    own_name = {} if name == card.name else {"title": name.replace("-", " ").title()}
    write_card(card.model_copy(update={"name": name, "path": target, **own_name}), target)
    return name


def remove_style(name: str) -> None:
    """Delete one of the user's own styles. Raises UsageError, StylecamError."""
    model = _own(name, "removed")
    try:
        for suffix in reversed(SUFFIXES):
            model.with_suffix(suffix).unlink(missing_ok=True)
    except OSError as error:
        raise StylecamError(f"{model}: cannot be removed ({error.strerror})") from None
    _write_order([other for other in ordered_names() if other != name])


def rename_style(old: str, new: str) -> None:
    """Give one of the user's own styles another name, and the title that goes with it.

    It keeps its place in the order. Raises UsageError, ModelError, StylecamError.
    """
    model = _own(old, "renamed")
    order = [new if name == old else name for name in ordered_names()]
    add_style(model, new)
    remove_style(old)
    _write_order(order)


def order_styles(names: list[str]) -> None:
    """List these first, in this order; all others follow in the order that they had."""
    known = style_paths()
    for name in names:
        lookup("style", name, known)
    chosen = list(dict.fromkeys(names))
    _write_order(chosen + [name for name in known if name not in chosen])


def ordered_names() -> list[str]:
    return list(style_paths())


def _own(name: str, done: str) -> Path:
    path = lookup("style", name, style_paths())
    if path.parent == SHIPPED:
        raise UsageError(f"{name}: comes with stylecam and cannot be {done}")
    return path


def _write_order(names: list[str]) -> None:
    file = user_folder() / ORDER_FILE
    text = "".join(f"{name}\n" for name in names)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        write_bytes_atomically(file, text.encode())
    except OSError as error:
        raise StylecamError(f"{file}: cannot be written ({error.strerror})") from None
