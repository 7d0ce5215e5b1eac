# SPDX-License-Identifier: MIT
"""Inputs: files, folders and standard input, plain or gzip, as named lists of lines."""

import gzip
import io
import os
import sys
import zlib


class BadInput(Exception):
    """What cannot be read, and why."""


class Input:
    """A name and its lines; a missing newline at the end is no matter."""

    def __init__(self, name, data):
        self.name = name
        self.lines = data.decode("utf-8", errors="replace").replace("\r\n", "\n").split("\n")
        if not self.lines[-1]:
            self.lines.pop()


def unpack(name, data):
    if not data.startswith(b"\x1f\x8b"):
        return data
    try:
        return gzip.GzipFile(fileobj=io.BytesIO(data)).read()
    except (OSError, EOFError, zlib.error) as error:
        raise BadInput(f"{name}: cannot be unpacked: {error}") from error


def read_file(name):
    try:
        with open(name, "rb") as f:
            return f.read()
    except OSError as error:
        raise BadInput(f"{name}: {error.strerror}") from error


def files_of(path):
    """The files of a folder, at any depth; a file itself."""
    if not os.path.isdir(path):
        return [path]
    found = [os.path.join(top, name) for top, _, names in os.walk(path) for name in names]
    if not found:
        raise BadInput(f"{path}: holds no file")
    return found


def read(paths):
    """All inputs, by name; a file that is named twice is read once."""
    inputs, seen = [], set()
    for path in paths:
        if path == "-":
            inputs.append(Input("-", unpack("-", sys.stdin.buffer.read())))
            continue
        for name in map(os.path.normpath, files_of(path)):
            if os.path.realpath(name) not in seen:
                seen.add(os.path.realpath(name))
                inputs.append(Input(name, unpack(name, read_file(name))))
    return sorted(inputs, key=lambda i: i.name)
