"""A model in memory -> what lm-evaluation-harness asks, with its progress and its cut prompts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from workbench.models.weights import LoadedModel

Share = Callable[[float], None]  # how much of a task is done, 0 to 1


def ask_loaded(loaded: LoadedModel, batch: int, chat: bool, context: int) -> Any:
    """The library's model of a base, with its adapter or without. Hold the base's lock.

    The adapter lies on the base's own device: `workbench.models.weights` puts it there, and the
    library is given the model as it is. `context` is the longest prompt in tokens, 0 where the
    model does not say.
    """
    from lm_eval.models.huggingface import HFLM

    class Loaded(HFLM):
        """The library's model. It counts the prompts that it cuts from the left."""

        share: Share = staticmethod(lambda share: None)

        def _encode_pair(self, context: str, continuation: str) -> tuple[list[int], list[int]]:
            if not chat:
                return super()._encode_pair(context, continuation)
            # The library moves a line feed that ends the template's prompt to the answer. The
            # model is never asked to say it, so its chance would lie in every log-probability.
            answer = self.tok_encode(continuation, add_special_tokens=False)
            return self.tok_encode(context), answer

        def loglikelihood(self, requests: Any, disable_tqdm: bool = True) -> Any:
            return super().loglikelihood(requests, disable_tqdm=True)

        def _loglikelihood_tokens(self, requests: Any, *rest: Any, **options: Any) -> Any:
            self.cut = {
                text[0]
                for text, before, after in requests
                if len(before) + len(after) > self.max_length + 1
            }
            # options of one token share a pass, as the library groups them
            self.passes = len({(*before, *after[:-1]) for _, before, after in requests})
            self.passed = 0
            return super()._loglikelihood_tokens(requests, *rest, **options)

        def _model_call(self, inps: Any, *rest: Any, **options: Any) -> Any:
            found = super()._model_call(inps, *rest, **options)
            self._count(len(inps))
            return found

        def generate_until(self, requests: Any, disable_tqdm: bool = True) -> Any:
            self.cut = set()
            for request in requests:
                prompt, kwargs = request.args
                room = self.max_length - kwargs.get("max_gen_toks", self.max_gen_toks)
                if len(self.tok_encode(prompt)) > room:
                    self.cut.add(prompt)
            self.passes = len(requests)
            self.passed = 0
            return super().generate_until(requests, disable_tqdm=True)

        def _model_generate(self, context: Any, *rest: Any, **options: Any) -> Any:
            found = super()._model_generate(context, *rest, **options)
            self._count(len(context))
            return found

        def _count(self, rows: int) -> None:
            self.passed += rows
            self.share(min(1.0, self.passed / self.passes))

    loaded.choose_adapter()
    with _not_tied_again(loaded.base.model):
        model = Loaded(
            pretrained=loaded.base.model,
            tokenizer=loaded.tokenizer,
            batch_size=batch,
            max_length=context or None,
            # the template writes every special token itself
            add_bos_token=False if chat else None,
        )
    model.cut = set()
    return model


@contextmanager
def _not_tied_again(model: Any) -> Iterator[None]:
    """The library ties a model's embeddings and head again, which an adapter has parted."""
    model.tie_weights = lambda *rest, **options: None
    try:
        yield
    finally:
        del model.tie_weights
