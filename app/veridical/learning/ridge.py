"""Ridge regression on class labels for many labelings at once.

For given features a ridge model is a fixed matrix that turns targets into predictions, so all labelings are one
matrix product (Treder 2019, "Direct calculation of out-of-sample predictions in multi-class kernel FDA"). Ridge on
labels of 1 and -1 has the direction of shrinkage LDA.

A labeling may leave trials out (ratings at the midpoint), and each permutation leaves out others
(``learning.completion``).
"""

from dataclasses import dataclass

import numpy as np

from veridical.domain.arrays import FloatArray

# Penalties per feature. Standardised features give the Gram matrix a mean eigenvalue of n_features.
PENALTIES_PER_FEATURE = (100.0, 10.0, 1.0, 0.1, 0.01)


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
