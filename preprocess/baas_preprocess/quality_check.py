"""Copy some finished pictures of a run, drawn at random, for people to look at."""

from hashlib import sha256

from baas_crds.errors import ConfigurationError, DependencyUnavailable, NotPublishable
from baas_ledger.samples import published_names
from baas_preprocess.audit_outputs import still_wrong
from baas_preprocess.copies import Sampling, copied, finish, told
from baas_preprocess.digests import digest_of
from baas_preprocess.facts import Digest
from baas_preprocess.stores.places import Destination, Provenance
from baas_sampling.inspection import draw, worklist_text
from baas_sampling.strata import ALL

_BEGUN = "Copying {drawn} of {of} published pictures to {place} for people to look at has begun."
_SENTENCE = "{drawn} of {of} published pictures were copied to {place} for people to look at."
# So many wrong pictures are named.
_TOLD = 5


def draw_quality_check(sampling: Sampling, size: int, published: Destination) -> None:
    """Draw `size` published pictures of a run, copy them, and write the worklist, unless that was done before.

    The run's id decides which, so any number of workers may do it at once and again. Raises `ConfigurationError` when
    one of them is not what was recorded: then the sample is not finished. Raises `DependencyUnavailable` and `Stopped`.
    """
    with sampling.taken() as is_wanted:
        if is_wanted:
            _draw(sampling, size, published)


def _draw(sampling: Sampling, size: int, published: Destination) -> None:
    names = list(published_names(sampling.ledger, sampling.run.id))
    tasks = draw({ALL: names} if names else {}, size, seed=_seed(sampling.run.id))
    drawn = [task.image for task in tasks]
    copies = copied(sampling, drawn, lambda name: _copy(sampling, published, name), of=len(names), sentence=_BEGUN)
    if wrong := copies.problems:
        named = "; ".join([*wrong.values()][:_TOLD]).rstrip(".")
        raise ConfigurationError(
            f"spec.qualityCheck: {len(wrong)} of {len(drawn)} drawn pictures cannot be copied. {named}. "
            "`baas audit verify` tells what else is not what was recorded: put back what was published."
        )
    finish(sampling, copies.number, drawn, worklist_text(tasks), of=len(names), sentence=_SENTENCE)


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
    provenance = Provenance(
        model=Digest(image.model_digest or ""),
        configuration=Digest(image.config_digest or ""),
        input=Digest(image.input_digest or ""),
        output=digest_of(data),
    )
    try:
        sampling.shelf.write(name, data, provenance)
    except NotPublishable as error:
        return told(name, error)
    return None
