"""The job in Quix Streams: runs until SIGTERM. One process is one thread of work, so THREADS is not used."""

import os
from pathlib import Path

from quixstreams import Application, State
from quixstreams.dataframe.windows import Count, Max, Mean, Min

ABOVE, CLEAR_BELOW = 80, 70
TEN_MS, HOP_MS, LATENESS_MS = 10_000, 60_000, 5_000


def application() -> Application:
    app, state = os.environ["APP"], Path(os.environ["STATE"]).absolute()
    # Processes of one application are told apart by the last name of their STATE.
    instance = f"{app}-{state.name}"
    return Application(
        broker_address=os.environ["BROKERS"],
        consumer_group=app,
        state_dir=state,
        auto_offset_reset="earliest",
        # "Configuring Quix Streams Applications", Processing Guarantees: outputs, changelogs and offsets in one transaction per commit,
        # and a smaller commit_interval than the default of 5 s where latency counts.
        processing_guarantee="exactly-once",
        commit_interval=int(os.environ.get("COMMIT_MS", "100")) / 1000,
        consumer_extra_config={
            "group.instance.id": instance,  # static membership: a restart takes its former place at once
            "fetch.wait.max.ms": 100,
        },
        producer_extra_config={
            "transactional.id": instance,  # a restart ends the transaction of its former life at once
            "linger.ms": 20,
            "batch.size": 256 << 10,
        },
        consumer_poll_timeout=0.1,
        loglevel=os.environ.get("LOG", "WARNING").upper(),
    )


def rule(reading: dict, state: State) -> dict | None:
    """Fires above 80, resolves below 70. A reading older than the newest one of its device does not count; one of the same age does."""
    ts, value = reading["ts"], reading["value"]
    newest, firing = state.get("rule", (0, False))
    if ts < newest:
        return None
    now = value >= CLEAR_BELOW if firing else value > ABOVE
    if ts != newest or now != firing:
        state.set("rule", (ts, now))
    if now == firing:
        return None
    return {"device": reading["device"], "event": "firing" if now else "resolved", "ts": ts, "value": value}


def with_device(result: dict, key: bytes, *_) -> dict:
    result["device"] = key.decode()
    return result


def build(app: Application) -> None:
    source = app.topic(os.environ["SOURCE"], timestamp_extractor=lambda value, *_: value["ts"])
    ten, hop, alerts = (app.topic(f"{os.environ['OUT']}-{name}") for name in ("ten", "hop", "alerts"))
    readings = app.dataframe(source)

    # "Windowed Aggregations", closing strategies: by key is the default and closes a window when its own device has moved past it.
    (
        readings.tumbling_window(TEN_MS, grace_ms=LATENESS_MS, name="ten")
        .agg(count=Count(), mean=Mean("value"), min=Min("value"), max=Max("value"))
        .final()
        .apply(with_device, metadata=True)
        .to_topic(ten)
    )
    (
        readings.hopping_window(HOP_MS, TEN_MS, grace_ms=LATENESS_MS, name="hop")
        .agg(mean=Mean("value"))
        .final()
        .apply(with_device, metadata=True)
        .to_topic(hop)
    )
    readings.apply(rule, stateful=True).filter(lambda event: event is not None).to_topic(alerts)


if __name__ == "__main__":
    app = application()
    build(app)
    app.run()
