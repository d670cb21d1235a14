"""The record of every run, image, detection and event: what happened to each panorama, and why.

    engine = open_ledger("ledger.sqlite")                  # or postgresql://user:password@host/database
    with transaction(engine) as connection:
        run_id = open_run(connection, source=..., destination=..., ...)
    result = plan_images(engine, run_id, entries)          # every image of the source, once
    ...                                                    # take away what stands of images that are left out
    with transaction(engine) as connection:
        finish_planning(connection, run_id, result)
    with transaction(engine) as connection:
        claims = claim(connection, run_id, worker="me", lease=timedelta(minutes=5), limit=4, max_attempts=3)
    ...                                                    # work outside of any transaction, `renew` now and then
    with transaction(engine) as connection:
        lost = finish(connection, run_id, [(claims[0], outcome)])   # not empty when another worker took it

An image is in exactly one state: `pending -> leased -> published | quarantined | excluded`. A crash leaves it `leased`
until its lease ends; then the next `claim` takes it back. Functions take a connection inside a transaction, so that
what belongs together is written together; keep transactions short, and call one changing function in each: two that
touch the same counters in another order may wait for each other.
"""
