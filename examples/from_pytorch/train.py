"""Train a small ResNet on grey pictures, in Powertrain: train_torch.py, line by line.

python train.py --data fashion.npz --out runs/powertrain
"""

import argparse
import time
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file

import powertrain as pt
import powertrain.nn as nn
import powertrain.nn.functional as F
from powertrain.data import DataLoader, Dataset
from powertrain.optim import schedules

try:
    from tensorboardX import SummaryWriter
except ImportError:  # without the package tensorboardX there are no curves
    SummaryWriter = None


class Pictures(Dataset):
    """Pictures of an .npz file: shifted by up to 2 pixels and mirrored at random if `augment`."""

    def __init__(self, path, split, augment=False):
        with np.load(path) as arrays:
            self.images, self.labels = arrays[f"x_{split}"], arrays[f"y_{split}"]
        self.augment = augment

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        image = pt.asarray(self.images[index]).astype("float32") / 255
        image = pt.expand_dims((image - 0.286) / 0.353, -1)
        if self.augment:
            height, width = image.shape[:2]
            top, left = pt.randint(0, 5, (2,)).tolist()
            image = F.pad(image, (0, 0, 2, 2, 2, 2))[top : top + height, left : left + width]
            if pt.rand() < 0.5:
                image = image.flip(1)
        return image, int(self.labels[index])


class Block(nn.Module):
    def __init__(self, in_channels, out_channels, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(out_channels)
        self.shortcut = nn.Identity()
        if stride != 1 or in_channels != out_channels:
            self.shortcut = nn.Sequential(
                nn.Conv2d(in_channels, out_channels, 1, stride=stride, bias=False), nn.BatchNorm2d(out_channels)
            )

    def forward(self, x):
        out = F.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        return F.relu(out + self.shortcut(x))


class Net(nn.Module):
    def __init__(self, num_classes=10, width=16, dropout=0.1):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(1, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU())
        self.stages = nn.Sequential(Block(width, width, 1), Block(width, 2 * width, 2), Block(2 * width, 4 * width, 2))
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(4 * width, num_classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x):
        x = self.stages(self.stem(x))
        x = x.mean(axis=(1, 2))
        return self.head(self.dropout(x))


def evaluate(model, loader):
    model.eval()
    correct = total = 0
    for images, labels in loader:
        correct += (model(images).argmax(axis=1) == labels).sum().item()
        total += len(labels)
    return correct / total


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path("runs/powertrain"))
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--batch-size", type=int, default=100)
    parser.add_argument("--lr", type=float, default=4e-3)
    parser.add_argument("--warmup", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--weights", type=Path, help="begin with these, a .safetensors file")
    parser.add_argument("--resume", action="store_true", help="go on from the last checkpoint")
    args = parser.parse_args()

    pt.random.seed(args.seed)
    pt.set_threads(args.threads)
    args.out.mkdir(parents=True, exist_ok=True)
    train_set = Pictures(args.data, "train", augment=True)
    train_loader = DataLoader(train_set, batch_size=args.batch_size, shuffle=True, drop_last=True, seed=args.seed)
    test_loader = DataLoader(Pictures(args.data, "test"), batch_size=500)

    model = Net()
    if args.weights:
        model.load_state_dict(load_file(args.weights), layout="torch")
    print(model)
    print(f"{sum(p.size for p in model.parameters()):,} parameters")

    total_steps = args.epochs * len(train_loader)
    rise = schedules.LinearLR(start_factor=0.02, total_iters=args.warmup)
    fall = schedules.CosineAnnealingLR(T_max=total_steps - args.warmup)
    schedule = schedules.SequentialLR([rise, fall], milestones=[args.warmup])
    optimizer = pt.optim.AdamW(model.parameters(), lr=args.lr, weight_decay=0.05, schedule=schedule)
    ema = pt.optim.EMA(model, 0.98, use_buffers=True)
    criterion = nn.CrossEntropyLoss(label_smoothing=0.1)
    writer = SummaryWriter(args.out / "tensorboard") if SummaryWriter else None

    first_epoch = step = 0
    checkpoint_path = args.out / "checkpoint.safetensors"
    parts = {"model": model, "ema": ema, "optimizer": optimizer, "loader": train_loader}
    if args.resume and checkpoint_path.exists():
        checkpoint = pt.restore(checkpoint_path, **parts)
        first_epoch, step = checkpoint["epoch"], checkpoint["step"]

    def loss_fn(images, labels):
        with pt.autocast("bf16"):
            return criterion(model(images), labels)

    loss_and_grads = pt.nn.value_and_grad(model, loss_fn)

    @pt.compile
    def train_step(images, labels):
        loss, grads = loss_and_grads(images, labels)
        grads, norm = pt.optim.clip_by_global_norm(grads, max_norm=1.0)
        optimizer.update(grads)
        ema.update()
        return loss, norm

    for epoch in range(first_epoch, args.epochs):
        model.train()
        seconds = []
        for images, labels in train_loader:
            start = time.perf_counter()
            loss, norm = train_step(images, labels)
            seconds.append(time.perf_counter() - start)
            step += 1
            if writer and step % 20 == 0:
                writer.add_scalar("train/loss", loss.item(), step)
                writer.add_scalar("train/norm", norm.item(), step)
                writer.add_scalar("train/lr", optimizer.scheduled_lr.item(), step)
        with ema.applied():
            accuracy = evaluate(model, test_loader)
        print(f"epoch {epoch + 1}: loss {loss.item():.4f}, accuracy {accuracy:.4f}")
        print(f"{np.median(seconds) * 1e3:.1f} ms per step")
        if writer:
            writer.add_scalar("test/accuracy", accuracy, step)
        pt.save(checkpoint_path, **parts, epoch=epoch + 1, step=step)

    with ema.applied():
        save_file(model.state_dict("torch"), args.out / "model.safetensors")


if __name__ == "__main__":
    main()
