"""Ridge regression on class labels for many labelings at once.

For given features a ridge model is a fixed matrix that turns targets into predictions, so all labelings are one
matrix product (Treder 2019, "Direct calculation of out-of-sample predictions in multi-class kernel FDA"). Ridge on
labels of 1 and -1 has the direction of shrinkage LDA.

A labeling may leave trials out (ratings at the midpoint), and each permutation leaves out others. Leaving a trial out
of least squares is the same as giving it the target that the model predicts for it: then its residual, and with it
its weight in the dual solution, is 0. Those targets solve a linear system as small as the number of trials left out,
so one factorisation serves every labeling, exactly.
"""

from dataclasses import dataclass

import numpy as np

from veridical.domain.arrays import BoolArray, FloatArray, IntArray

# Penalties per feature. Standardised features give the Gram matrix a mean eigenvalue of n_features.
PENALTIES_PER_FEATURE = (100.0, 10.0, 1.0, 0.1, 0.01)
_CHUNK_NUMBERS = 4_000_000


@dataclass(frozen=True)
class RidgeFold:
    """Eigen-decomposition of one fold's centred features, good for every penalty and labeling.

    Parameters
    ----------
    vectors : ndarray, shape (n_train, rank)
        Eigenvectors of the training Gram matrix.
    values : ndarray, shape (rank,)
        Its eigenvalues, above 0.
    cross : ndarray, shape (n_test, rank)
        Test rows times training rows, in the eigenvectors' basis.
    """

    vectors: FloatArray
    values: FloatArray
    cross: FloatArray

    def smoother(self, penalty: float) -> FloatArray:
        """Return the matrix that turns training targets into test predictions, shape (n_test, n_train)."""
        matrix: FloatArray = (self.cross / (self.values + penalty)) @ self.vectors.T
        return matrix + 1.0 / len(self.vectors)

    def dual(self, penalty: float) -> FloatArray:
        """Return the matrix that turns targets into ``penalty``-scaled residuals' weights, shape (n_train, n_train).

        It is the inverse of Gram matrix plus penalty, with an unpenalised intercept.
        """
        shrunken = 1.0 / (self.values + penalty) - 1.0 / penalty
        matrix: FloatArray = (self.vectors * shrunken) @ self.vectors.T
        matrix += (np.eye(len(matrix)) - 1.0 / len(matrix)) / penalty
        return matrix


def factorise(train: FloatArray, test: FloatArray) -> RidgeFold:
    """Decompose training features (centred, shape (n_train, n_features)) through the smaller Gram matrix."""
    n, p = train.shape
    if p < n:
        values, axes = np.linalg.eigh(train.T @ train)
        use = values > values[-1] * 1e-13
        values, axes = values[use], axes[:, use]
        root = np.sqrt(values)
        return RidgeFold(train @ axes / root, values, test @ axes * root)
    values, vectors = np.linalg.eigh(train @ train.T)
    use = values > values[-1] * 1e-13
    return RidgeFold(vectors[:, use], values[use], (test @ train.T) @ vectors[:, use])


def penalties_for(n_features: int) -> tuple[float, ...]:
    """Return the penalties to choose from, strongest first, in scikit-learn's ``alpha``."""
    return tuple(n_features * p for p in PENALTIES_PER_FEATURE)


@dataclass(frozen=True)
class LeftOut:
    """Which training trials each labeling leaves out, padded to the same number.

    Parameters
    ----------
    rows : ndarray of int, shape (n_labelings, n_most)
        Rows left out, then others as padding.
    is_real : ndarray of bool, shape (n_labelings, n_most)
        False for padding.
    """

    rows: IntArray
    is_real: BoolArray


def find_left_out(targets: FloatArray) -> LeftOut:
    """Find the rows with target 0 in each column, shape (n_train, n_labelings)."""
    out = targets.T == 0
    counts = out.sum(axis=1)
    most = int(counts.max(initial=0))
    rows: IntArray = np.argsort(~out, axis=1, kind="stable")[:, :most]
    return LeftOut(rows, np.arange(most) < counts[:, None])


def complete(dual: FloatArray, targets: FloatArray, left_out: LeftOut) -> FloatArray:
    """Give trials that are left out the target that the model predicts for them.

    Parameters
    ----------
    dual : ndarray, shape (n_train, n_train)
        Of ``RidgeFold.dual``.
    targets : ndarray, shape (n_train, n_labelings)
        1, -1, or 0 = left out; every column needs a trial that is not. Not modified.

    Returns
    -------
    ndarray, shape (n_train, n_labelings)
    """
    most = left_out.rows.shape[1]
    if most == 0:
        return targets
    weights = (dual @ targets).T
    completed = targets.T.copy()
    step = max(1, _CHUNK_NUMBERS // most**2)
    diagonal = np.arange(most)
    for start in range(0, len(completed), step):
        part = slice(start, start + step)
        rows, real = left_out.rows[part], left_out.is_real[part]
        systems = dual[rows[:, :, None], rows[:, None, :]] * (real[:, :, None] & real[:, None, :])
        systems[:, diagonal, diagonal] += ~real
        wanted = np.where(real, -np.take_along_axis(weights[part], rows, axis=1), 0.0)
        found = np.linalg.solve(systems, wanted[:, :, None])[:, :, 0]
        found += np.take_along_axis(completed[part], rows, axis=1)
        np.put_along_axis(completed[part], rows, found, axis=1)
    return completed.T
