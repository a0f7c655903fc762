"""What the model libraries raise, also in the middle of an answer -> errors in our words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from typing import Any

from workbench.errors import InvalidInput, NotFound, Unavailable, WorkbenchError
from workbench.messages import say
from workbench.models.keys import without_key
from workbench.models.servers import OpenAIServer, list_ollama, list_server, server_of
from workbench.settings import Settings

SHOWN = 5  # names of other models in a fix
SEE_LOG = "Look at the server's log, then ask again."


@contextmanager
def maps_model_errors(name: str, settings: Settings) -> Iterator[None]:
    """Map the errors of ollama, openai and httpx inside the block to WorkbenchErrors."""
    import httpx
    import ollama
    import openai

    _, _, model = name.partition(":")
    try:
        yield
    except ollama.ResponseError as error:
        raise _ollama_error(model, error, settings) from error
    except openai.APIError as error:
        raise _openai_error(model, error, settings) from error
    except (httpx.HTTPError, ConnectionError) as error:
        raise _connection_error(name, settings) from error


def broken_off(name: str) -> Unavailable:
    """An answer without the sign of its end: a proxy or a server has died quietly."""
    return Unavailable(say("{name} broke off in the middle of the answer.", name=name), SEE_LOG)


def no_space(name: str) -> WorkbenchError:
    """The disk is full, or would be."""
    return WorkbenchError(
        say("The disk has no room for {name}.", name=name),
        "Free space, then run it again: what has arrived is kept.",
    )


def _connection_error(name: str, settings: Settings) -> Unavailable:
    kind, _, rest = name.partition(":")
    is_ollama = kind == "ollama"
    server, _ = server_of(rest, settings)
    address = server.base_url if server else name
    host = settings.ollama_host if is_ollama else address
    problem = say(
        "The connection to {name} broke off or could not be made ({host}).", name=name, host=host
    )
    if is_ollama:
        return Unavailable(
            problem, "Start it (ollama serve) or choose another model, then ask again."
        )
    return Unavailable(problem, "Start the server or choose another model, then ask again.")


def _ollama_error(model: str, error: Any, settings: Settings) -> WorkbenchError:
    if error.status_code != 404:
        return Unavailable(
            say("Ollama failed with {model}: {error}", model=model, error=error.error),
            "Look at `ollama ps` and its log, then ask again.",
        )
    problem = say("Ollama has no model {model}.", model=model)
    names = [info.name.removeprefix("ollama:") for info in list_ollama(settings)]
    near = get_close_matches(model, names, 3, 0.4) or names[:3]
    if not near:
        return NotFound(problem, say("Run: ollama pull {model}", model=model))
    return NotFound(
        problem,
        say("Run: ollama pull {model}. Ollama has: {names}.", model=model, names=", ".join(near)),
    )


def refuses_key(server: OpenAIServer) -> Unavailable:
    """A wrong key, or none where one is wanted."""
    host = server.base_url
    refused = say("{host} refuses the key.", host=host)
    wanted = say("{host} asks for a key.", host=host)
    problem = refused if server.key.get_secret_value() else wanted
    if not server.name:
        return Unavailable(problem, "Export the right key as WORKBENCH_OPENAI_API_KEY.")
    return Unavailable(
        problem,
        say(
            "Connect {server} again with the right key, or export it as {variable}.",
            server=server.name,
            variable=server.variable,
        ),
    )


def _openai_error(rest: str, error: Any, settings: Settings) -> WorkbenchError:
    import openai

    server, model = server_of(rest, settings)
    if server is None:  # it was removed while it answered
        return Unavailable(say("{host} failed: {message}", host=rest, message=error), SEE_LOG)
    host = server.base_url
    message = without_key(error.message, server.key)
    if isinstance(error, openai.AuthenticationError | openai.PermissionDeniedError):
        return refuses_key(server)
    if isinstance(error, openai.NotFoundError):
        return _openai_lacks(model, server)
    if isinstance(error, openai.APITimeoutError):
        return Unavailable(say("{host} has not answered in time.", host=host), SEE_LOG)
    if isinstance(error, openai.APIConnectionError):
        return Unavailable(
            say("Nothing answers at {host}.", host=host),
            "Start the server, or correct its address.",
        )
    if isinstance(error, openai.BadRequestError):
        return InvalidInput(
            say("{host} refuses the request: {message}", host=host, message=message),
            "If it is too long for the model, lower WORKBENCH_CONTEXT_TOKENS.",
        )
    return Unavailable(
        say("{host} failed: {message}", host=host, message=message),
        SEE_LOG,
    )


def _openai_lacks(model: str, server: OpenAIServer) -> NotFound:
    problem = say("{host} has no model {model}.", host=server.base_url, model=model)
    names = [info.name.removeprefix(server.named("")) for info in list_server(server)]
    if not names:
        return NotFound(problem, "See: workbench doctor")
    return NotFound(problem, say("It has: {names}.", names=", ".join(names[:SHOWN])))
