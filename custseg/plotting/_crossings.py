"""The order of nodes in columns side by side that lets few flows cross."""

import numpy as np

_SWEEPS = 24


def uncrossed(flows):
    """Order the nodes of columns so that little flow crosses other flow.

    Sweeps forth and back put each node where the middle of its flows to the column
    before lies (the barycentre method); the best order of all sweeps is kept, the one
    given where none is better.

    Parameters
    ----------
    flows : list of ndarray of shape (n_nodes, n_next_nodes)
        What flows between the nodes of consecutive columns.

    Returns
    -------
    orders : list of ndarray
        Nodes of each column from top to bottom.

    References
    ----------
    Sugiyama, K., Tagawa, S. and Toda, M. (1981). Methods for visual understanding of
    hierarchical system structures. IEEE Transactions on Systems, Man, and Cybernetics
    11(2), 109-125. https://doi.org/10.1109/TSMC.1981.4308636
    """
    widths = [len(flow) for flow in flows] + [flows[-1].shape[1]]
    orders = [np.arange(width) for width in widths]
    best, least = orders, crossings(flows, orders)
    for sweep in range(_SWEEPS):
        orders = list(orders)
        forth = sweep % 2 == 0
        columns = range(1, len(widths)) if forth else range(len(widths) - 2, -1, -1)
        for column in columns:
            beside = column - 1 if forth else column + 1
            flow = flows[beside] if forth else flows[column].T
            orders[column] = _by_barycentre(flow, orders[beside], orders[column])
        found = crossings(flows, orders)
        if found < least:
            best, least = orders, found
    return best


def crossings(flows, orders):
    """Sum, over all pairs of flows that cross, the product of what flows.

    Parameters
    ----------
    flows : list of ndarray of shape (n_nodes, n_next_nodes)
    orders : list of ndarray
        Nodes of each column from top to bottom.

    Returns
    -------
    total : float
    """
    total = 0.0
    for flow, order, next_order in zip(flows, orders, orders[1:], strict=False):
        flow = flow[np.ix_(order, next_order)]
        # A flow crosses those that begin below it and end above it.
        above = np.cumsum(flow, axis=1) - flow
        below = np.cumsum(above[::-1], axis=0)[::-1] - above
        total += float((flow * below).sum())
    return total


def _by_barycentre(flow, order, own):
    """Sort nodes by the mean place of what flows to them; ties stay as they are."""
    place = np.empty(len(order))
    # The middle of a node within the column, which large nodes take more of.
    size = flow.sum(axis=1)[order]
    place[order] = np.cumsum(size) - size / 2
    into = flow.sum(axis=0)
    middles = np.full(len(into), np.inf)
    np.divide(place @ flow, into, out=middles, where=into > 0)
    return own[np.argsort(middles[own], kind="stable")]
