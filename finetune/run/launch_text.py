"""Machines and processes -> the commands that start a training on them, or a Slurm script."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

SLURM = """\
#!/bin/bash
#SBATCH --job-name={name}
#SBATCH --nodes={nodes}
#SBATCH --ntasks-per-node=1
#SBATCH --gpus-per-node={processes}
#SBATCH --output=%x-%j.log
# three minutes before the time is up: save a checkpoint, from which the same script goes on
#SBATCH --signal=TERM@180

# the workspace, on a disk that all machines share, like the run file and its data
export WORKBENCH_HOME="${{WORKBENCH_HOME:-$SLURM_SUBMIT_DIR/workspace}}"
export RUN={run_file}

# the first machine by its address, and a port of this job alone
first=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)
address=$(getent ahostsv4 "$first" | awk '{{ print $1; exit }}')
export RENDEZVOUS="${{address:-$first}}:$((20000 + SLURM_JOB_ID % 10000))"

srun --kill-on-bad-exit=1 bash -c 'exec workbench finetune train "$RUN" \\
    --nodes {nodes} --processes {processes} --rank "$SLURM_NODEID" --rendezvous "$RENDEZVOUS"'
"""


def commands(run_file: str, nodes: int, processes: int, rendezvous: str) -> str:
    """A line for each machine."""
    train = f"workbench finetune train {shlex.quote(run_file)}"
    if nodes == 1:
        return f"{train} --processes {processes}"
    together = f"{train} --nodes {nodes} --processes {processes}"
    lines = []
    for rank in range(nodes):
        lines.append(f"# machine {rank}")
        lines.append(f"{together} --rank {rank} --rendezvous {shlex.quote(rendezvous)}")
    return "\n".join(lines)


def slurm_script(run_file: str, nodes: int, processes: int) -> str:
    """A script for sbatch."""
    return SLURM.format(
        name=re.sub(r"[^\w.-]+", "-", Path(run_file).stem),
        nodes=nodes,
        processes=processes,
        run_file=shlex.quote(run_file),
    ).rstrip()
