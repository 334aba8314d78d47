"""A server that uses sentry-sdk."""

import sys

import sentry_sdk

sentry_sdk.init(dsn=sys.argv[1].replace("//", "//public@") + "/7", traces_sample_rate=0)
try:
    {}["price"]
except KeyError as error:
    sentry_sdk.capture_exception(error)
sentry_sdk.flush(timeout=10)
