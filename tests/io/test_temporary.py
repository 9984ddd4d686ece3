"""A temporary folder belongs to the process that made it."""

import gc
import os

from powertrain.io.temporary import TemporaryFolder


class Owner:
    pass


def in_a_child(work):
    """Do something in a forked process, which then ends at once."""
    child = os.fork()
    if child == 0:
        try:
            work()
        finally:
            os._exit(0)
    os.waitpid(child, 0)


def test_it_goes_with_its_owner():
    folder, owner = TemporaryFolder(), Owner()
    folder.remove_with(owner)
    (folder.path / "kept").write_text("here")
    del owner
    gc.collect()
    assert not folder.path.exists()


def test_a_forked_process_leaves_it():
    folder, owners = TemporaryFolder(), [Owner()]
    folder.remove_with(owners[0])
    in_a_child(folder.remove)
    in_a_child(owners.clear)
    assert folder.path.is_dir()
    folder.remove()
    assert not folder.path.exists()
