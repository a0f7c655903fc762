"""How many processes on how many machines, and where they meet -> torchrun's arguments, checks."""

from __future__ import annotations

import os
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import psutil

from finetune.train.rendezvous import LOOPBACK, answers, check_port, resolve
from workbench.errors import InvalidInput, Stopped, Unavailable
from workbench.messages import say

PATIENCE = 1800  # seconds that a machine waits for the first one


@dataclass(frozen=True)
class Cluster:
    """`processes` on each of `nodes` machines, of which this is number `rank`.

    0 processes: as many as the run file says. `rendezvous` is HOST:PORT of machine 0; empty on one
    machine.
    """

    processes: int
    nodes: int = 1
    rank: int = 0
    rendezvous: str = ""

    @property
    def size(self) -> int:
        """How many processes train in all."""
        return self.processes * self.nodes

    @property
    def host(self) -> str:
        return self.rendezvous.rpartition(":")[0].strip("[]")

    @property
    def port(self) -> str:
        return self.rendezvous.rpartition(":")[2]

    def filled(self, processes: int) -> Cluster:
        """With the run file's processes shared among the machines, where none were asked for."""
        if self.processes:
            return self
        return replace(self, processes=max(1, processes // self.nodes))

    def check(self) -> None:
        """Raise InvalidInput for options that do not belong together, Unavailable for a place to
        meet that has no address or that this machine cannot open."""
        if not 0 <= self.rank < self.nodes:
            raise InvalidInput(
                say("There is no machine {rank} of {nodes}.", rank=self.rank, nodes=self.nodes),
                "--rank counts from 0, up to --nodes less 1.",
            )
        if self.nodes == 1:
            return
        if not self.host or not self.port.isdigit():
            raise InvalidInput(
                "Several machines need a place to meet.",
                "Give all of them the same --rendezvous HOST:PORT, with an address of machine 0.",
            )
        family, address = resolve(self.host, self.port)
        if self.rank == 0:
            check_port(self.host, self.port, family, address)

    def await_first(self, stopped: Callable[[], bool], patience: float = PATIENCE) -> None:
        """Wait until machine 0 has prepared the run and listens. Raises Stopped, Unavailable."""
        until = time.monotonic() + patience
        while not answers(self.host, self.port):
            if stopped():
                raise Stopped(
                    "Cancelled while waiting for the first machine.",
                    "The same command waits again.",
                )
            if time.monotonic() > until:
                raise Unavailable(
                    say(
                        "The first machine does not answer at {rendezvous}.",
                        rendezvous=self.rendezvous,
                    ),
                    "Start the command with --rank 0 there, look at what it reports, and let no "
                    "firewall stand between the machines.",
                )
            time.sleep(0.5)

    def torchrun(self) -> list[str]:
        """The arguments of torchrun."""
        count = f"--nproc-per-node={self.processes}"
        if self.nodes == 1:  # a free port that the system chooses, on the loopback address
            meeting = [
                "--rdzv-backend=c10d",
                f"--rdzv-endpoint={LOOPBACK}:0",
                f"--local-addr={LOOPBACK}",
            ]
            return [*meeting, count]
        # not c10d: that one asks for the machine's own name, which need not resolve
        return [
            f"--nnodes={self.nodes}",
            f"--node-rank={self.rank}",
            f"--master-addr={self.host}",
            f"--master-port={self.port}",
            count,
        ]

    def environment(self) -> dict[str, str]:
        """Variables of the workers, where the person has not set them."""
        threads = max(1, (os.cpu_count() or 1) // self.processes)
        interface = self._interface()
        return {
            "OMP_NUM_THREADS": str(threads),
            # else gloo and NCCL look for one by the machine's own name
            "GLOO_SOCKET_IFNAME": interface,
            "NCCL_SOCKET_IFNAME": interface,
        }

    def _interface(self) -> str:
        """The network interface on which this machine reaches the first one."""
        loopback = "lo0" if sys.platform == "darwin" else "lo"
        if self.nodes == 1:
            return loopback
        family, address = resolve(self.host, self.port)
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect(address)  # chooses the way, and sends nothing
            own = probe.getsockname()[0]
        for name, addresses in psutil.net_if_addrs().items():
            if any(one.address.partition("%")[0] == own for one in addresses):
                return name
        return loopback
