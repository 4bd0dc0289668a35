"""HumanEval/4: imports much of the standard library, and uses little of it."""

import collections.abc
import concurrent.futures
import email.mime.text
import http.client
import logging
import statistics as st
import urllib.request
import xml.dom.minidom
from math import *
from os.path import *

logging.basicConfig(level=logging.DEBUG)


def mean_absolute_deviation(numbers):
    logging.debug("numbers: %r", numbers)
    mean = st.fmean(numbers)
    return fsum(fabs(one - mean) for one in numbers) / len(numbers)
