"""Classify your own pictures: one folder for each class, such as pictures/cat/001.png.

pip install "powertrain-vision[images]"
python image_folder.py pictures --size 64 --epochs 20
"""

import argparse
from pathlib import Path

import powertrain as pt
import powertrain.nn as nn
import powertrain.nn.functional as F
from powertrain.data import DataLoader, ImageFolder, Subset, random_split
from powertrain.data import transforms as T


def make_data(folder, size, seed):
    """Three quarters to train on, changed at random in each epoch; the rest as it is."""
    normalize = [T.ToTensor(), T.Normalize(0.5, 0.25)]
    changed = T.Compose([T.Resize((size, size)), T.RandomCrop(size, padding=size // 8), *normalize])
    plain = T.Compose([T.Resize((size, size)), *normalize])
    train = ImageFolder(folder, transform=changed)
    valid = ImageFolder(folder, transform=plain)
    rows, held_out = random_split(range(len(train)), [0.75, 0.25], seed=seed)
    return Subset(train, list(rows)), Subset(valid, list(held_out)), train.classes


class Net(nn.Module):
    """Blocks of convolution, batch norm and pooling; then the mean over the picture, and a linear layer."""

    def __init__(self, classes, widths=(32, 64, 128)):
        super().__init__()
        blocks, channels = [], 3
        for width in widths:
            blocks += [nn.Conv2d(channels, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
            blocks += [nn.MaxPool2d(2)]
            channels = width
        self.features = nn.Sequential(*blocks)
        self.dropout = nn.Dropout(0.2)
        self.head = nn.Linear(channels, classes)

    def forward(self, x):
        if x.ndim == 3 or x.shape[-1] == 1:  # grey pictures
            x = pt.broadcast_to(x.reshape((*x.shape[:3], 1)), (*x.shape[:3], 3))
        x = self.features(x).mean(axis=(1, 2))
        return self.head(self.dropout(x))


def evaluate(model, loader, classes):
    """Accuracy, and how often each class is found."""
    model.eval()
    accuracy, confusion = pt.metrics.Accuracy(), pt.metrics.ConfusionMatrix(num_classes=len(classes))
    for images, labels in loader:
        logits = model(images)
        accuracy.update(logits, labels)
        confusion.update(logits, labels)
    model.train()
    return accuracy.compute(), confusion.matrix


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--size", type=int, default=64, help="height and width that pictures are resized to")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--lr", type=float, default=2e-3)
    parser.add_argument("--out", type=Path, default=Path("pictures.safetensors"))
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()

    pt.random.seed(args.seed)
    train, valid, classes = make_data(args.folder, args.size, args.seed)
    print(f"{len(train)} pictures to train on, {len(valid)} held out, classes: {', '.join(classes)}")
    loader = DataLoader(train, args.batch_size, shuffle=True, drop_last=True, num_workers=2, seed=args.seed)
    valid_loader = DataLoader(valid, args.batch_size)

    model = Net(len(classes))
    fall = pt.optim.schedules.CosineAnnealingLR(T_max=args.epochs * len(loader))
    optimizer = pt.optim.AdamW(model, lr=args.lr, weight_decay=0.05, schedule=fall)
    loss_and_grads = nn.value_and_grad(model, lambda x, y: F.cross_entropy(model(x), y, label_smoothing=0.1))

    @pt.compile
    def step(images, labels):
        loss, grads = loss_and_grads(images, labels)
        optimizer.update(grads)
        return loss

    best = 0.0
    for epoch in range(args.epochs):
        for images, labels in loader:
            loss = step(images, labels)
        accuracy, confusion = evaluate(model, valid_loader, classes)
        print(f"epoch {epoch + 1}: loss {loss.item():.3f}, valid accuracy {accuracy:.3f}")
        if accuracy >= best:
            best = accuracy
            pt.save(args.out, model=model, classes=list(classes), size=args.size)
    for name, row in zip(classes, confusion, strict=True):
        print(f"{name:<12} found {row[classes.index(name)]:.0f} of {row.sum():.0f}")
    print(f"best valid accuracy {best:.3f}, saved in {args.out}")


if __name__ == "__main__":
    main()
