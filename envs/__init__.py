"""Any protocol on any world as an environment: for PettingZoo, for Gymnasium.

`make` gives a PettingZoo AECEnv, `parallel_env` a ParallelEnv, `gym_env` a Gymnasium environment
for one learning seat. All three play the engine's own episodes (`oversight.stage`) through the
spaces of `oversight.encoding`.

>>> import envs
>>> env = envs.make("debate", world="digits", rounds=2)
>>> env.reset(seed=0)
>>> env.agent_selection, env.action_space("debater_0")
('debater_0', Discrete(65))
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from envs.aec import OversightAEC
    from envs.gym import OversightGym
    from envs.parallel import OversightParallel
    from envs.society import SocietyEnv
    from oversight.casting import Named
    from oversight.protocol import Protocol
    from oversight.world import World


def make(
    protocol: str | Protocol,
    world: str | World = "digits",
    *,
    render_mode: str | None = None,
    **parameters: Any,
) -> OversightAEC:
    """A PettingZoo AECEnv: seats move one at a time.

    Args:
        protocol: its registered name, or the protocol.
        world: a registered name with options, such as "digits:pixels=4", or the world.
        render_mode: "ansi" (render returns text), "human" (it prints), or None.
        parameters: the protocol's own.

    Raises:
        OversightError: unknown names, parameters that cannot be, a world that does not fit.
    """
    from envs.aec import OversightAEC
    from oversight.stage import Stage

    return OversightAEC(Stage.of(protocol, world, parameters), render_mode)


def parallel_env(
    protocol: str | Protocol,
    world: str | World = "digits",
    *,
    render_mode: str | None = None,
    **parameters: Any,
) -> OversightParallel:
    """A PettingZoo ParallelEnv: all seats act in each step, those with nothing to do in vain.

    Arguments and errors are those of `make`.
    """
    from envs.parallel import OversightParallel
    from oversight.stage import Stage

    return OversightParallel(Stage.of(protocol, world, parameters), render_mode)


def gym_env(
    protocol: str | Protocol,
    world: str | World = "digits",
    *,
    seat: str = "judge",
    cast: Mapping[str, Named] | None = None,
    render_mode: str | None = None,
    **parameters: Any,
) -> OversightGym:
    """A Gymnasium environment in which one `seat` learns and the others play a fixed cast.

    `cast` maps seats to specs or agents (`oversight.casting`); seats that it leaves out are played
    by the world's own agents. Agents that must prepare do so now, with the world's own agent in
    the learner's seat. Other arguments and errors are those of `make`.
    """
    from envs.gym import OversightGym
    from oversight.casting import cast_for
    from oversight.runs import prepare
    from oversight.stage import Stage

    stage = Stage.of(protocol, world, parameters)
    casting = cast_for(stage.protocol, stage.world, cast)
    prepare(stage.protocol, stage.world, casting.cast, episodes=0, seed=0)
    return OversightGym(stage, seat, casting.cast, render_mode)


def society_env(*, rounds: int = 50, render_mode: str | None = None, **settings: Any) -> SocietyEnv:
    """A sandbox society as a ParallelEnv: its members draft, rate each other and revise.

    `settings` are those of `oversight.society.society.Settings`, and errors those of its parts.
    """
    from envs.society import SocietyEnv
    from oversight.society.settings import Settings

    return SocietyEnv(Settings(**settings), rounds, render_mode)
