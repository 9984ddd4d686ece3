"""First-party distributions by the short names that they bring, so that a recipe which names one that is not installed
gets the line that installs it. Read only after a name was not found."""

from __future__ import annotations

FIRST_PARTY: dict[str, tuple[str, ...]] = {
    "vision": ("image-folder", "mnist1d", "resnet", "random-crop", "random-flip", "colour-jitter", "random-erasing",
               "rand-augment", "mixup", "cutmix", "residual-mlp", "sequence-cnn", "sequence-gru", "fixmatch",
               "mixmatch", "simclr", "vicreg", "masked-autoencoder", "patch-decoder",
               "captioned-folder", "captions", "caption-encoder", "clip", "text-to-image", "cutouts",
               "segmentation", "pixel-unet", "mean-iou", "digit-motions", "clip-cnn", "clip-gru"),
    "text": ("text-files", "text-table", "sms-spam", "austen-tokens", "bert", "llama", "bag-of-tokens",
             "python-source", "python-code", "text-pairs", "bible-verses", "translation", "encoder-decoder",
             "translate", "pronunciations", "labelling", "label-cross-entropy", "label-accuracy", "tagger",
             "label-sequences", "tagged-words", "word-tagger", "label-spans", "span-f1"),
    "audio": ("audio-folder", "spoken-digits", "spectrogram", "abc-tunes", "melody", "sound-diffusion",
              "digit-strings", "transcription", "ctc", "label-error-rate", "speech-gru"),
    "tabular": ("table", "ames", "adult", "churn", "lightgbm", "random-forest", "decision-tree", "kernel-svm",
                "constant", "least-squares", "full-batch", "k-means", "gaussian-mixture", "outliers", "pca",
                "squared-hinge", "shuttle", "satellite", "electricity"),
    "generative": ("autoencoder", "vae", "diffusion", "gan", "flow", "picture-decoder", "picture-encoder", "unet",
                   "real-nvp", "frechet-distance", "sample-precision", "sample-recall", "moving-digits", "next-frame",
                   "frame-cnn", "map-encoder", "map-decoder"),
    "rl": ("cartpole", "mountain-car", "acrobot", "pendulum", "cliff", "breakout", "snake", "gymnasium", "tic-tac-toe",
           "connect-four", "board-network", "actor-critic", "q-network", "q-table", "tile-coding", "ppo", "reinforce",
           "q-learning", "dqn", "sac", "alphazero"),
    "xla": ("xla",),
    "onnx": ("onnx",),
    "loggers": ("tensorboard", "mlflow", "wandb", "trackio"),
    "privacy": ("dp-sgd", "tanh-cnn"),
    "federated": ("federated",),
}  # fmt: skip


def distribution_of(name: str) -> str | None:
    """The first-party distribution that brings a name, written short (`ames`) or in full (`tabular/ames`)."""
    prefix, slash, short = name.rpartition("/")
    if slash:
        family = prefix.removeprefix("powertrain-")
        return f"powertrain-{family}" if family in FIRST_PARTY else None
    return next((f"powertrain-{family}" for family, names in FIRST_PARTY.items() if short in names), None)
