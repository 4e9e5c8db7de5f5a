"""Files that are whole or not there: written beside their name, then renamed."""

import contextlib
import errno
import os
import re
import reprlib
import secrets
import stat
import time
from typing import Any

# What writes the files that other endings promise.
_KERAS = "tidegate.keras.to_keras(model).save(path)"
_TORCH = "torch.save(tidegate.torch.to_torch(model).state_dict(), path)"
FOREIGN = {
    ".onnx": "tidegate.onnx.export(model, path)",
    **dict.fromkeys((".keras", ".h5", ".hdf5"), _KERAS),
    **dict.fromkeys((".pt", ".pth"), _TORCH),
}

# One pattern for all names: made from a name, each would stay in the cache of `re`.
_TEMPORARY = re.compile(r"\.(?P<base>.+)\.[0-9]+\.[0-9a-f]{8}", re.DOTALL)


def write_whole(path: str, content: bytes, what: str = "the file", where: str = "") -> None:
    """Write a file so that its name never holds half of it.

    Parameters
    ----------
    path : str
        An old file there is replaced at the last moment; of a link, the file that it points to.
    content : bytes
    what : str
        What is written, for the message.
    where : str
        The function that was called, for the message.

    Raises
    ------
    OSError
        It cannot be written; an old file is unharmed.

    Examples
    --------
    >>> write_whole("numbers.csv", b"1,2")
    >>> os.path.getsize("numbers.csv")
    3
    """
    start = f"{where}: " if where else ""
    target = os.path.realpath(path)
    folder, base = os.path.split(target)
    temporary = os.path.join(folder, f".{base}.{os.getpid()}.{secrets.token_hex(4)}")
    if os.path.exists(target) and not os.path.isfile(target):
        # A rename would put the file in the place of /dev/null, a pipe or a socket.
        kind = IsADirectoryError if os.path.isdir(target) else OSError
        number = errno.EISDIR if os.path.isdir(target) else errno.EINVAL
        text = f"{start}there is something else than a file; nothing was written"
        raise kind(number, text, path)
    try:
        mode = stat.S_IMODE(os.stat(target).st_mode) if os.path.isfile(target) else None
        _remove_leftovers(folder, base)
        with open(temporary, "xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            if mode is not None:
                os.chmod(file.fileno(), mode)
        os.replace(temporary, target)
    except OSError as error:
        text = f"{start}cannot write {what}: {error.strerror}; an old file is unharmed"
        raise type(error)(error.errno, text, path) from None
    finally:
        with contextlib.suppress(OSError):
            os.unlink(temporary)


def _remove_leftovers(folder: str, base: str) -> None:
    """Remove what killed writers of this file left; one that is an hour old is no longer written.

    By age, not by process number: the folder may be shared with other machines.
    """
    with contextlib.suppress(OSError):
        for entry in os.scandir(folder):
            name = _TEMPORARY.fullmatch(entry.name)
            if name and name["base"] == base:
                with contextlib.suppress(OSError):
                    if time.time() - entry.stat(follow_symlinks=False).st_mtime > 3600:
                        os.unlink(entry.path)


def path_text(where: str, path: Any) -> str:
    """Return a path as text, whatever bytes its name has.

    Parameters
    ----------
    where : str
        The function that was called, for the message.
    path : str, bytes or path

    Raises
    ------
    TypeError, ValueError
        It is no path, or one with a zero byte.

    Examples
    --------
    >>> path_text("load", b"m.safetensors")
    'm.safetensors'
    """
    if not isinstance(path, str | bytes | os.PathLike):
        raise TypeError(
            f"{where}: path is of type {type(path).__name__}; expected a string or path."
        )
    text = os.fsdecode(path)
    if "\0" in text:
        raise ValueError(
            f"{where}: path is {reprlib.repr(path)}, with a zero byte; expected a path, not what "
            "stands in a file."
        )
    return text


def refuse_foreign(where: str, name: str, path: str) -> None:
    """Raise where the ending of a path promises the format of another program.

    Parameters
    ----------
    where, name : str
        The function that was called and its argument, for the message.
    path : str

    Raises
    ------
    ValueError
        The ending is one of `FOREIGN`; the message says what writes such a file.

    Examples
    --------
    >>> refuse_foreign("save", "path", "m.safetensors")
    """
    ending = os.path.splitext(path)[1].lower()
    if ending in FOREIGN:
        raise ValueError(
            f"{where}: {name} is {path!r}; expected an ending such as .safetensors, the format of "
            f"tidegate ({FOREIGN[ending]} writes a file that ends in {ending})."
        )
