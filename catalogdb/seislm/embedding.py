"""What to do with embeddings of windows: which are alike, and a picture of all of them in two dimensions."""

from __future__ import annotations

from typing import Literal

import numpy as np

from catalogdb.errors import InputError

Method = Literal["pca", "tsne"]
FEWEST_FOR_A_PICTURE = 4
PERPLEXITY = 30.0


def similarities(vectors: np.ndarray, of: np.ndarray) -> np.ndarray:
    """Cosine of each vector, less the mean of all, with the mean of the chosen ones; float (vectors,), -1 to 1.

    Args:
        vectors: (vectors, size).
        of: int, the chosen ones.
    """
    centred = vectors - vectors.mean(axis=0)
    unit = centred / np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-12)
    middle = unit[of].mean(axis=0)
    return unit @ (middle / max(float(np.linalg.norm(middle)), 1e-12))


def in_two_dimensions(vectors: np.ndarray, method: Method) -> np.ndarray:
    """Vectors (vectors, size) as points (vectors, 2): principal components, or t-SNE (van der Maaten and Hinton, 2008),
    which keeps neighbours together and says nothing of long distances.

    Raises:
        InputError: for fewer than `FEWEST_FOR_A_PICTURE`.
    """
    if len(vectors) < FEWEST_FOR_A_PICTURE:
        raise InputError(f"{len(vectors)} windows make no picture; it takes {FEWEST_FOR_A_PICTURE}")
    if method == "pca":
        from sklearn.decomposition import PCA

        return PCA(2, svd_solver="full").fit_transform(vectors)
    from sklearn.manifold import TSNE

    perplexity = min(PERPLEXITY, (len(vectors) - 1) / 3)
    return TSNE(2, perplexity=perplexity, init="pca", random_state=0, n_jobs=1).fit_transform(vectors)
