"""Grids of units: where units lie, which are neighbours, how many there should be."""

import math

import numpy as np
from scipy.spatial.distance import cdist

ROW_HEIGHT = {"hexagonal": math.sqrt(0.75), "rectangular": 1.0}
_MAX_UNITS = 400


def unit_positions(rows, columns, topology):
    """Place units row by row, neighbours at a distance of one.

    In a hexagonal grid every other row is shifted by half a unit.

    Parameters
    ----------
    rows, columns : int
    topology : {"hexagonal", "rectangular"}

    Returns
    -------
    positions : ndarray of shape (rows * columns, 2)
        To the right, and up.
    """
    row, column = np.divmod(np.arange(rows * columns), columns)
    shift = 0.5 * (row % 2) if topology == "hexagonal" else 0.0
    return np.column_stack([column + shift, row * ROW_HEIGHT[topology]])


def adjacency(positions):
    """Which units share a side: up to six in a hexagonal grid, four in the other.

    Returns
    -------
    adjacent : ndarray of bool of shape (n_units, n_units)
        Symmetric; a unit is no neighbour of its own.
    """
    distances = cdist(positions, positions)
    return (distances > 0.5) & (distances < 1.1)


def default_grid(n_customers, deviations, topology, n_clusters):
    """Rows and columns by the rule of Vesanto and Alhoniemi (2000).

    Five times the square root of the number of customers, but at most 400 units; at
    least four a segment. The sides are to each other as the standard deviations of
    the first two principal components.

    Parameters
    ----------
    n_customers : float
        Or the sum of their weights.
    deviations : ndarray of shape (2,)
        Standard deviations of the principal components, largest first.
    topology : {"hexagonal", "rectangular"}
    n_clusters : int

    Returns
    -------
    rows, columns : int
    """
    n_units = max(min(5 * math.sqrt(n_customers), _MAX_UNITS), 4 * n_clusters)
    long, short = deviations
    share = short / long if long > 0 else 1.0
    rows = max(1, round(math.sqrt(n_units * share / ROW_HEIGHT[topology])))
    return rows, math.ceil(n_units / rows)


def neighbour_distances(codebook, adjacent):
    """Mean distance of each unit's vector to those of its neighbours: the U-matrix.

    Parameters
    ----------
    codebook : ndarray of shape (n_units, n_features)
    adjacent : ndarray of bool of shape (n_units, n_units)

    Returns
    -------
    u_matrix : ndarray of shape (n_units,)
        Zero for a unit without neighbours.
    """
    distances = cdist(codebook, codebook)
    return (distances * adjacent).sum(axis=1) / np.maximum(adjacent.sum(axis=1), 1)
