"""Copy some finished pictures of a run, drawn at random, for people to look at."""

from hashlib import sha256

from baas_crds.errors import ConfigurationError, DependencyUnavailable, NotPublishable
from baas_ledger.samples import published_names
from baas_preprocess.audit_outputs import still_wrong
from baas_preprocess.copies import Sampling, copied, finish, told
from baas_preprocess.digests import digest_of
from baas_preprocess.stores.places import Destination
from baas_sampling.inspection import ALL, draw, worklist_text

_SENTENCE = "{drawn} of {of} published pictures were copied to {place} for people to look at."
# So many wrong pictures are named.
_TOLD = 5


def draw_quality_check(sampling: Sampling, size: int, published: Destination) -> None:
    """Draw `size` published pictures of a run, copy them, and write the worklist, unless that was done before.

    The run's id decides which, so any number of workers may do it at once and again. Raises `ConfigurationError` when
    one of them is not what was recorded: then the sample is not finished. Raises `DependencyUnavailable` and `Stopped`.
    """
    if sampling.is_done:
        return
    names = list(published_names(sampling.ledger, sampling.run.id))
    tasks = draw({ALL: names} if names else {}, size, seed=_seed(sampling.run.id))
    drawn = [task.image for task in tasks]
    wrong = copied(sampling, drawn, lambda name: _copy(sampling, published, name))
    if wrong:
        named = "; ".join([*wrong.values()][:_TOLD]).rstrip(".")
        raise ConfigurationError(
            f"spec.qualityCheck: {len(wrong)} of {len(drawn)} drawn pictures cannot be copied. {named}. "
            "`baas audit verify` tells what else is not what was recorded: put back what was published."
        )
    finish(sampling, drawn, worklist_text(tasks), number=len(names), sentence=_SENTENCE)


def _seed(run_id: str) -> int:
    return int.from_bytes(sha256(run_id.encode()).digest()[:8])


def _copy(sampling: Sampling, published: Destination, name: str) -> str | None:
    image = sampling.published(name)
    if sampling.shelf.digest(name) == image.output_digest:
        return None
    data = published.read(name)
    if data is None or digest_of(data) != image.output_digest:
        if problem := still_wrong(sampling.ledger, published, image):
            return problem
        raise DependencyUnavailable(f"{name} was corrected while it was copied: it must be copied anew")
    try:
        sampling.write(image, data)
    except NotPublishable as error:
        return told(name, error)
    return None
