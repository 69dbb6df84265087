"""Customers to learn and to test with: real tables that ship, and simulators.

`load_wholesale` and `load_online_retail_sample` give real tables with their source,
licence and checksum (`dataset_info`). `make_customers` and `make_transactions` draw
customers and their purchases from one population whose segments, lifetimes and
returns are known.
"""

from custseg.datasets._buyers import BuyerType as BuyerType
from custseg.datasets._customers import SimulatedCustomers as SimulatedCustomers
from custseg.datasets._customers import make_customers as make_customers
from custseg.datasets._load import DatasetInfo as DatasetInfo
from custseg.datasets._load import dataset_info as dataset_info
from custseg.datasets._load import (
    load_online_retail_sample as load_online_retail_sample,
)
from custseg.datasets._load import load_wholesale as load_wholesale
from custseg.datasets._questionnaire import Questionnaire as Questionnaire
from custseg.datasets._transactions import (
    SimulatedTransactions as SimulatedTransactions,
)
from custseg.datasets._transactions import make_transactions as make_transactions

__all__ = [name for name in dir() if not name.startswith("_")]
