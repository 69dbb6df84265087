"""Raw rows to one row per customer: the first stage of the road.

`clean_transactions` decides what may count as a purchase and reports what it left
out. `summarize_transactions` makes one row per customer of what is left.
`summarize_outcome` makes one of what they did next, for segments to be held to.
`summarize_occasions`, `summarize_discounts` and `summarize_referrals` say when
customers buy, on what terms and who brought them; `roll_up_accounts` makes companies of
accounts.
`TransactionColumns` says once which column is which, for all. The functions take
pandas and polars data frames and give back the same kind. They change the number of
rows, so they are functions and not transformers.
"""

from custseg.tables._accounts import roll_up_accounts as roll_up_accounts
from custseg.tables._cleaning import clean_transactions as clean_transactions
from custseg.tables._columns import TransactionColumns as TransactionColumns
from custseg.tables._discounts import discount_prior as discount_prior
from custseg.tables._discounts import summarize_discounts as summarize_discounts
from custseg.tables._occasions import summarize_occasions as summarize_occasions
from custseg.tables._outcome import summarize_outcome as summarize_outcome
from custseg.tables._referrals import summarize_referrals as summarize_referrals
from custseg.tables._report import CleaningReport as CleaningReport
from custseg.tables._summary import summarize_transactions as summarize_transactions

__all__ = [name for name in dir() if not name.startswith("_")]
