"""Raw rows to one row per customer: the first stage of the road.

`clean_transactions` decides what may count as a purchase and reports what it left
out; `check_transactions` only reports. `summarize_transactions` makes one row per
customer of what is left, with groups of columns that `SummarySettings` repeats next
month. `summarize_btyd` counts for models of customer lifetimes, `summarize_outcome`
what customers did next. `summarize_occasions`, `summarize_discounts` and
`summarize_referrals` say when customers buy, on what terms and who brought them;
`summarize_events`, `summarize_feedback` and `summarize_relations` how they came, what
they say and whom they know; `roll_up_accounts` makes companies of accounts.
`TransactionColumns`, `EventColumns` and `FeedbackColumns` say once which column is
which.

The functions take pandas and polars data frames, pyarrow tables, DuckDB relations,
Spark and Dask data frames, and give back the same kind. They change the number of
rows, so they are functions and not transformers.
"""

from custseg.tables._accounts import roll_up_accounts
from custseg.tables._btyd import summarize_btyd
from custseg.tables._cleaning import check_transactions, clean_transactions
from custseg.tables._columns import TransactionColumns
from custseg.tables._discounts import discount_prior, summarize_discounts
from custseg.tables._event_columns import EventColumns
from custseg.tables._events import summarize_events
from custseg.tables._feedback import summarize_feedback
from custseg.tables._feedback_columns import FeedbackColumns
from custseg.tables._occasions import summarize_occasions
from custseg.tables._outcome import summarize_outcome
from custseg.tables._referrals import summarize_referrals
from custseg.tables._relations import summarize_relations
from custseg.tables._report import CleaningReport
from custseg.tables._settings import SummarySettings
from custseg.tables._summary import summarize_transactions

__all__ = [name for name in dir() if not name.startswith("_")]
