"""PPO on CartPole with Stable-Baselines3 on Gymnasium, in eight environments of one process.

python benchmarks/peers/ppo_sb3.py '{"steps": 200000, "seed": 0, ...}'    # prints one line of JSON
"""

from __future__ import annotations

import json
import sys
import time

import torch
from stable_baselines3 import PPO
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.evaluation import evaluate_policy


def main() -> None:
    settings = json.loads(sys.argv[1])
    torch.set_num_threads(settings["threads"])
    widths = list(settings["hidden"])
    began = time.perf_counter()
    env = make_vec_env("CartPole-v1", n_envs=settings["copies"], seed=settings["seed"])
    model = PPO(
        "MlpPolicy", env, seed=settings["seed"], device="cpu", learning_rate=settings["lr"],
        n_steps=settings["horizon"], batch_size=settings["minibatch"], n_epochs=settings["epochs"],
        gamma=settings["discount"], gae_lambda=settings["gae"], clip_range=settings["clip"],
        ent_coef=settings["entropy"], vf_coef=0.5 * settings["value"], max_grad_norm=settings["clip_norm"],
        policy_kwargs={"net_arch": {"pi": widths, "vf": widths}},
    )  # fmt: skip
    learning = time.perf_counter()
    model.learn(settings["steps"])
    ended = time.perf_counter()
    reached, _ = evaluate_policy(model, make_vec_env("CartPole-v1", n_envs=10, seed=10_000), n_eval_episodes=100)
    found = {"rate": model.num_timesteps / (ended - learning), "seconds": ended - began, "return": float(reached)}
    print(json.dumps(found))


if __name__ == "__main__":
    main()
