"""AlphaZero: Silver et al. 2017. A network learns from games against itself, in which a search looks ahead with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

import powertrain as pt
from powertrain.plugin import Batch, Inputs, Run, Section, Step, Strategy, param
from powertrain_rl.choices import best
from powertrain_rl.errors import StrategyError
from powertrain_rl.games.board import BoardGame, Boards
from powertrain_rl.games.matches import Player, in_words, matches_section, returns_of
from powertrain_rl.games.search import blind, searched
from powertrain_rl.games.self_play import self_play

FORBIDDEN = -1e3  # the score of a move that the rules forbid: its softmax is 0
SIZES = 4  # of the batches that are judged; fewer games are left as a round goes on, and each size is a program


class AlphaZero(Strategy):
    """Play whole games against itself, each move by a search that the network guides. Learn to choose at once what the
    search found, and who won."""

    task = "control"
    scores = ("search_return",)
    example_recipe = """\
data.env  = { use = "rl/tic-tac-toe", copies = 4 }
model     = { use = "mlp", hidden = [8] }
strategy  = { use = "rl/alphazero", simulations = 4, batch_size = 16, updates = 4, replay = 256, matches = 2 }
optimizer = { use = "adam", lr = 1e-3 }
run       = { until = "100 rounds" }
"""

    @dataclass(frozen=True)
    class Params:
        simulations: int = param(50, low=1, high=10_000, doc="simulations of the search before each move of self-play")
        explore: float = param(1.5, above=0, doc="how much the search tries what it has tried less")
        noise: float = param(0.25, low=0, high=1, doc="share of random numbers in what self-play tries first")
        concentration: float = param(1.0, above=0, doc="of the Dirichlet distribution that these are drawn from")
        open: int = param(8, low=0, doc="moves of a game that are drawn by how often the search tried them; of the "
                                        "later ones the most tried is made")  # fmt: skip
        updates: int = param(64, low=1, high=10_000, doc="batches that are learned from after each round of games")
        batch_size: int = param(128, low=1, doc="boards in one batch")
        replay: int = param(20_000, low=1, doc="boards that are kept; a game gives two for each move, one mirrored")
        matches: int = param(20, low=0, high=10_000, doc="games of the search against the opponent at each evaluation")
        match_simulations: int = param(50, low=1, high=10_000, doc="simulations before each move of these games")

    def setup(self, run: Run) -> None:
        self.env = run.env()
        game = self.env.another()
        if not isinstance(game, BoardGame):
            raise StrategyError(
                f"[strategy alphazero] the environment is {type(game).__name__}; expected a board game, whose rules "
                'the search knows; use data.env = { use = "rl/connect-four", copies = 64 }'
            )
        # One network with two answers: a score for each move, and what the board is worth.
        self.model = run.model(inputs=Inputs("regression", self.env.observation.shape, game.actions + 1))
        self.opt = run.optim("model")
        self.game, number = game, np.float32(0)
        chances = np.zeros(game.actions, np.float32)
        self.ring = run.ring("replay", self.params.replay, x=self.env.observation, chances=chances, value=number)
        run.after_evaluation(self.challenge)

    def round(self, run: Run) -> None:
        settings, rng = self.params, np.random.Generator(np.random.Philox(key=int(pt.random.integers(1 << 53))))

        def explored(boards: Boards) -> NDArray[np.float64]:
            noise = rng.dirichlet(np.full(self.game.actions, settings.concentration), len(boards))
            return self.search(run, boards, settings.simulations, (noise, settings.noise))

        self.ring.append(**self_play(self.game, explored, self.env.copies, settings.open, rng))
        run.loop(self.learn, self.ring.sample(settings.batch_size), settings.updates)

    def search(
        self, run: Run, boards: Boards, simulations: int, noise: tuple[Any, float] | None = None
    ) -> NDArray[np.float64]:
        """How often each move of some boards is tried."""
        step = -(-self.env.copies // SIZES)

        def judge(boards: Boards) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
            x = np.zeros((-(-len(boards) // step) * step, *self.env.observation.shape), np.float32)
            x[: len(boards)] = self.game.see(boards)
            found = run.compute(self.judged, x=x)[: len(boards)].astype(np.float64)
            return found[:, :-1], found[:, -1]

        return searched(self.game, judge, boards, simulations, self.params.explore, noise)

    def said(self, x: Any) -> tuple[Any, Any]:
        """A score for each move, and from -1 to 1 what the board is worth to who moves."""
        found = self.model(x)
        return pt.where(self.game.legal_of(x), found[:, :-1], FORBIDDEN), pt.tanh(found[:, -1])

    def judged(self, t: Step, batch: Batch) -> Any:
        """How likely each move is, and in a last column what the board is worth."""
        scores, worth = self.said(batch.x)
        return pt.concat([pt.softmax(scores), worth[:, None]], axis=1)

    def learn(self, t: Step, batch: Batch) -> None:
        scores, worth = self.said(batch.x)
        unlike = -pt.sum(batch.chances * pt.log_softmax(scores), axis=1)
        error = pt.square(worth - batch.value)
        t.minimize(self.opt, unlike + error, batch.weight)
        for name, losses in {"loss": unlike + error, "value_error": error}.items():
            t.log(name, pt.sum(losses * batch.weight), pt.sum(batch.weight))

    def predict(self, t: Step, batch: Batch) -> Any:
        return self.said(batch.x)[0]

    def challenge(self, run: Run, number: int) -> str | None:
        """The search against the environment's opponent, the same games each time."""
        count = self.params.matches
        if not count:
            return None
        found = returns_of(self.player(run), self.game, count)
        return f"with search: {in_words(found)} of {count} games against {self.game.rival}"

    def player(self, run: Run) -> Player:
        """The search, as it plays matches."""
        return lambda boards: self.search(run, boards, self.params.match_simulations)

    def score(self, run: Run, part: str) -> Mapping[str, float]:
        if not self.params.matches:
            return {}
        return {"search_return": float(returns_of(self.player(run), self.game, self.params.matches).mean())}

    def sections(self, run: Run) -> list[Section]:
        if not self.params.matches:
            return []
        game, settings, knows_nothing = self.game, self.params, blind(self.game)
        players: dict[str, Player] = {
            "the network and its search": self.player(run),
            "the network alone": lambda boards: run.predict(game.see(boards)),
            "the search alone": lambda boards: searched(
                game, knows_nothing, boards, settings.match_simulations, settings.explore
            ),
        }
        return [matches_section(game, players, settings.matches)]

    def answer(self, output: Any) -> dict[str, Any]:
        return best(output)
