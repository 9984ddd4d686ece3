"""Write pictures as the .npz file that both scripts read: the digits of the wheel, or a folder of idx files.

python data.py digits.npz
python data.py fashion.npz --folder /usr/share/fashion-mnist --train 6000 --test 3000
"""

import argparse
import gzip
from importlib import resources
from pathlib import Path

import numpy as np


def read_idx(path):
    """The bytes of a gzipped idx file: two zeros, the type, the count of axes, the sizes, the elements."""
    data = gzip.decompress(path.read_bytes())
    axes = data[3]
    sizes = np.frombuffer(data, ">i4", axes, offset=4)
    return np.frombuffer(data, np.uint8, offset=4 + 4 * axes).reshape(sizes)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("to", type=Path)
    parser.add_argument("--folder", type=Path, help="of train-images-idx3-ubyte.gz and the three others")
    parser.add_argument("--train", type=int, default=1500, help="how many pictures to train on")
    parser.add_argument("--test", type=int, default=297)
    args = parser.parse_args()

    if args.folder:
        names = ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1")
        x_train, y_train, x_test, y_test = (read_idx(args.folder / f"{name}-ubyte.gz") for name in names)
    else:
        files = resources.files("powertrain.builtin") / "files"
        x = np.minimum(read_idx(files / "digits-images-idx3-ubyte.gz"), 15) * 17  # from 0 to 255
        y = read_idx(files / "digits-labels-idx1-ubyte.gz")
        x_train, y_train, x_test, y_test = x[: args.train], y[: args.train], x[-args.test :], y[-args.test :]
    train, test = slice(args.train), slice(args.test)
    np.savez_compressed(
        args.to, x_train=x_train[train], y_train=y_train[train], x_test=x_test[test], y_test=y_test[test]
    )


if __name__ == "__main__":
    main()
