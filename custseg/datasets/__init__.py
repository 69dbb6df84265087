"""Customers to learn and to test with: real tables that ship, and simulators.

`load_wholesale` and `load_online_retail_sample` give real tables with their source,
licence and checksum (`dataset_info`). `make_customers` and `make_transactions` draw
customers and their purchases from one population whose segments, lifetimes and
returns are known.
"""

from custseg.datasets._buyers import BuyerType
from custseg.datasets._customers import SimulatedCustomers, make_customers
from custseg.datasets._load import (
    DatasetInfo,
    dataset_info,
    load_online_retail_sample,
    load_wholesale,
)
from custseg.datasets._questionnaire import Questionnaire
from custseg.datasets._transactions import SimulatedTransactions, make_transactions

__all__ = [name for name in dir() if not name.startswith("_")]
