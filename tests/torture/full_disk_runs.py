"""Run commands on disks with too little room, each in a process of its own that ends as usual."""

import json
import os
import sys
from pathlib import Path

from stochnet.cli import main

PAGE = 4096


def run(command, disk, free, log):
    """Return the exit status of a command on a disk with so many free pages, or minus a signal."""
    filler = disk / "filler"
    filler.write_bytes(b"")
    filler.write_bytes(bytes(PAGE * (os.statvfs(disk).f_bavail - free)))
    child = os.fork()
    if not child:
        os.dup2(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 2)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.argv = ["stochnet", *command]
        # What HDF5 does at exit is part of the test, so the process ends by itself.
        main()
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


if __name__ == "__main__":
    disk, log, cases = Path(sys.argv[1]), Path(sys.argv[2]), json.load(sys.stdin)
    found = []
    for command, free in cases:
        status = run(command, disk, free, log)
        found.append((status, log.read_text(), sorted(os.listdir(disk))))
    sys.stdout.write(json.dumps(found))
