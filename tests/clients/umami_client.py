"""A server that uses umami-analytics."""

import sys

import umami

umami.set_url_base(sys.argv[1])
umami.set_website_id("94db1cb1-74f4-4a40-ad6c-962362670409")
umami.set_hostname("site.test")
for address in ["192.0.2.1", "192.0.2.2"]:
    told = umami.new_page_view(page_title="Python", url="/from/python", ip_address=address)
    assert told["cache"], told
told = umami.new_event("order", url="/from/python", custom_data={"plan": "pro"}, ip_address="192.0.2.1")
assert told["cache"], told
