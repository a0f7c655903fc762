"""The same training as a job of a Ray cluster: submitted, its log followed, stopped with this one.

The cluster's machines have this environment and the workspace at the same paths.
"""

from __future__ import annotations

import asyncio
import os
import shlex
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from threading import Thread
from typing import Any

from finetune.train.events import ENDS, error_of, read_event
from workbench.errors import InvalidInput, Stopped, Unavailable, WorkbenchError
from workbench.extras import require
from workbench.messages import say

KINDS = ("ray://", "http://", "https://")
# Ray kills a job so many seconds after it was asked to stop; a checkpoint takes more than its own 3
SECONDS_TO_SAVE = "300"
PASSED_ON = ("WORKBENCH_HOME", "WORKBENCH_CACHE", "HF_HOME", "HF_HUB_OFFLINE")


def train_on_ray(
    address: str,
    words: Sequence[str],
    gpus: int,
    report: Callable[[dict[str, Any]], None],
    stopped: Callable[[], bool],
) -> None:
    """Run `workbench finetune train WORDS…` on the cluster to its end.

    `gpus` are reserved for it; with 0 it runs on the cluster's first machine. Raises InvalidInput
    for what is no address, Unavailable where the cluster does not answer, Stopped where the job
    was cancelled, or what it failed with.
    """
    client = _connect(address)
    job = client.submit_job(
        entrypoint=shlex.join([sys.executable, "-m", "workbench.cli", "finetune", "train", *words]),
        runtime_env={"env_vars": _variables()},
        entrypoint_num_gpus=gpus or None,
    )
    report({"event": "submitted", "job": job, "cluster": address})
    Thread(target=_pass_on_stop, args=(client, job, stopped), daemon=True).start()
    failure: WorkbenchError | None = None
    for line in _lines(client, job):
        event = read_event(line)
        failure = failure or error_of(event)
        if not event:
            sys.stderr.write(f"{line}\n")
        elif event["event"] not in ENDS:
            report(event)
    _raise_unless_done(client, job, failure)


def _connect(address: str) -> Any:
    """The client of the cluster's jobs."""
    if not address.startswith(KINDS):
        raise InvalidInput(
            say("{address} is no address of a Ray cluster.", address=address),
            "Give --on ray://HOST:10001, or the address of its dashboard, --on http://HOST:8265.",
        )
    purpose = say("A training on a Ray cluster")
    jobs = require("ray.job_submission", "ray", purpose)
    errors = require("ray.exceptions", "ray", purpose)
    try:
        return jobs.JobSubmissionClient(address)
    except errors.AuthenticationError as error:
        raise Unavailable(
            say("The Ray cluster at {address} wants a token.", address=address),
            "Set RAY_AUTH_MODE=token, and RAY_AUTH_TOKEN or RAY_AUTH_TOKEN_PATH to the cluster's "
            "token.",
        ) from error
    except (ConnectionError, RuntimeError) as error:
        raise Unavailable(
            say(
                "The Ray cluster at {address} does not answer: {reason}",
                address=address,
                reason=(str(error).splitlines() or ["no reason given"])[0],
            ),
            "Look whether it runs (ray status) and takes jobs: it needs ray[default] and its "
            "dashboard.",
        ) from error


def _variables() -> dict[str, str]:
    """Environment variables of the job."""
    own = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    return own | {"PYTHONUNBUFFERED": "1", "RAY_JOB_STOP_WAIT_TIME_S": SECONDS_TO_SAVE}


def _pass_on_stop(client: Any, job: str, stopped: Callable[[], bool]) -> None:
    while not client.get_job_status(job).is_terminal():
        if stopped():
            client.stop_job(job)
            return
        time.sleep(0.5)


def _lines(client: Any, job: str) -> Iterator[str]:
    """The job's log by the line, as it grows, to its end."""
    chunks = client.tail_job_logs(job)
    rest = ""
    with asyncio.Runner() as loop:
        while True:
            try:
                rest += loop.run(anext(chunks))
            except StopAsyncIteration:
                break
            *whole, rest = rest.split("\n")
            yield from whole
    if rest:
        yield rest


def _raise_unless_done(client: Any, job: str, failure: WorkbenchError | None) -> None:
    status = client.get_job_status(job)
    while not status.is_terminal():  # the log ends a moment before the job
        time.sleep(0.2)
        status = client.get_job_status(job)
    if failure:
        raise failure
    if status == "STOPPED":
        raise Stopped(
            say("The job {job} has been stopped.", job=job),
            "The same command goes on from its last checkpoint.",
        )
    if status != "SUCCEEDED":
        raise Unavailable(
            say("The job {job} has failed without a word of the training.", job=job),
            say("See the log above, or: ray job logs {job}", job=job),
        )
