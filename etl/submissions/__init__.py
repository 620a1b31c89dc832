"""Registry-shaped exports: specs as data, every row judged before anything is written, a manifest beside each file."""

from __future__ import annotations

from etl.submissions.spec import REGISTRIES as REGISTRIES
from etl.submissions.submit import Prepared as Prepared
from etl.submissions.submit import month_of as month_of
from etl.submissions.submit import prepare as prepare
from etl.submissions.submit import write as write
